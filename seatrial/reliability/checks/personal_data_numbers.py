"""Check digits and rules of numbers that name a person or an account.  Digits in, yes or no out.

Sources: ISO/IEC 7812-1 (cards), ISO 13616 (IBAN) and ISO 7064 (mod 97, mod 11,10); each national
number as its issuer describes it, named at the function.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

# Length of an IBAN by country, from the registry of ISO 13616.
IBAN_LENGTHS: Final[Mapping[str, int]] = {
    country: length
    for length, countries in {
        15: "NO", 16: "BE", 18: "DK FI FK FO GL NL SD", 19: "MK SI", 20: "AT BA EE KZ LT LU MN XK",
        21: "CH CR HR LI LV", 22: "BG BH DE GB GE IE ME RS", 23: "AE GI IL IQ OM SO TL",
        24: "AD CZ ES MD PK RO SA SE SK TN VG", 25: "LY PT ST", 26: "IS TR",
        27: "BI DJ FR GR IT MC MR SM", 28: "AL AZ BY CY DO GT HU LB NI PL SV", 29: "BR EG PS QA UA",
        30: "JO KW MU YE", 31: "MT SC", 32: "LC", 33: "RU",
    }.items()
    for country in countries.split()
}  # fmt: skip

# (first digits from, to, lengths); the digits compared are as many as the ends have.
_BRANDS: Final = (
    ("4", "4", (13, 16, 19)),  # Visa
    ("51", "55", (16,)),  # Mastercard
    ("2221", "2720", (16,)),
    ("34", "34", (15,)),  # American Express
    ("37", "37", (15,)),
    ("300", "305", (14,)),  # Diners Club
    ("36", "36", (14, 16, 17, 18, 19)),
    ("38", "39", (14, 16, 17, 18, 19)),
    ("6011", "6011", (16, 17, 18, 19)),  # Discover
    ("644", "659", (16, 17, 18, 19)),
    ("3528", "3589", (16, 17, 18, 19)),  # JCB
    ("62", "62", (16, 17, 18, 19)),  # UnionPay
    ("6304", "6304", (13, 14, 15, 16, 17, 18, 19)),  # Maestro
    ("6759", "6763", (13, 14, 15, 16, 17, 18, 19)),
    ("5018", "5038", (13, 14, 15, 16, 17, 18, 19)),
)


def is_card(digits: str) -> bool:
    """Whether these are the digits of a payment card: a brand's range and length, and Luhn."""
    length = len(digits)
    return luhn(digits) and any(
        low <= digits[: len(low)] <= high and length in lengths for low, high, lengths in _BRANDS
    )


def luhn(digits: str) -> bool:
    """Whether the last digit is the one that Luhn's formula gives.

    >>> luhn("79927398713")
    True
    """
    odd = sum(map(int, digits[-1::-2]))
    even = sum(sum(divmod(2 * int(digit), 10)) for digit in digits[-2::-2])
    return (odd + even) % 10 == 0


def is_iban(text: str) -> bool:
    """Whether this is an IBAN: capitals and digits, its country's length, and mod 97."""
    if IBAN_LENGTHS.get(text[:2]) != len(text):
        return False
    turned = text[4:] + text[:4]
    return int("".join(str(int(sign, 36)) for sign in turned)) % 97 == 1


def _weighed(digits: str, weights: tuple[int, ...]) -> int:
    return sum(int(digit) * weight for digit, weight in zip(digits, weights, strict=False))


def is_nhs(digits: str) -> bool:
    """United Kingdom, NHS number: 10 digits, mod 11."""
    check = 11 - _weighed(digits, (10, 9, 8, 7, 6, 5, 4, 3, 2)) % 11
    return len(set(digits)) > 1 and check % 11 == int(digits[9]) and check != 10


def is_nino(text: str) -> bool:
    """United Kingdom, National Insurance number: letters that are given out."""
    no_prefix = text[:2] in {"BG", "GB", "KN", "NK", "NT", "TN", "ZZ"}
    return not (no_prefix or set(text[:2]) & set("DFIQUV") or text[1] == "O")


def is_ssn(digits: str) -> bool:
    """United States, Social Security number: groups that are given out."""
    area, group, serial = digits[:3], digits[3:5], digits[5:]
    return area not in {"000", "666"} and area < "900" and group != "00" and serial != "0000"


def is_steuer_id(digits: str) -> bool:
    """Germany, Steuer-ID: one digit two or three times among the first ten, ISO 7064 mod 11,10."""
    body = digits[:10]
    most = sorted((body.count(digit) for digit in set(body)), reverse=True)
    if digits[0] == "0" or most[0] not in {2, 3} or most[1:2] == [most[0]]:
        return False
    product = 10
    for digit in body:
        total = (int(digit) + product) % 10 or 10
        product = total * 2 % 11
    return (11 - product) % 10 == int(digits[10])


def is_insee(text: str) -> bool:
    """France, INSEE number (Corsica's 2A and 2B too): 13 signs and a key of two, mod 97."""
    body = text[:13].replace("2A", "19").replace("2B", "18")
    month = int(text[3:5])
    return (1 <= month <= 12 or 20 <= month <= 42 or month >= 50) and 97 - int(body) % 97 == int(
        text[13:]
    )


def is_dni(text: str) -> bool:
    """Spain, DNI and NIE: the letter follows from the number, mod 23."""
    number = text[:-1].translate(str.maketrans("XYZ", "012"))
    return "TRWAGMYFPDXBNJZSQVHLCKE"[int(number) % 23] == text[-1]


def is_bsn(digits: str) -> bool:
    """Netherlands, BSN: nine digits, mod 11 with the last one taken away."""
    return len(set(digits)) > 1 and _weighed(digits, (9, 8, 7, 6, 5, 4, 3, 2, -1)) % 11 == 0


_ODD: Final = dict(
    zip(
        "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ",
        (1, 0, 5, 7, 9, 13, 15, 17, 19, 21) * 2
        + (2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23),
        strict=True,
    )
)


def is_codice_fiscale(text: str) -> bool:
    """Italy, codice fiscale: 15 signs and a letter that follows from them."""
    odd = sum(_ODD[sign] for sign in text[0:15:2])
    even = sum(int(sign) if sign.isdigit() else ord(sign) - 65 for sign in text[1:15:2])
    return chr(65 + (odd + even) % 26) == text[15]


def is_pesel(digits: str) -> bool:
    """Poland, PESEL: a date of birth with the century in its month, mod 10."""
    month, day = int(digits[2:4]) % 20, int(digits[4:6])
    total = _weighed(digits, (1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1))
    return 1 <= month <= 12 and 1 <= day <= 31 and total % 10 == 0


def is_personnummer(digits: str) -> bool:
    """Sweden, personnummer: a date of birth (its day plus 60 in coordination numbers), Luhn."""
    ten = digits[-10:]
    month, day = int(ten[2:4]), int(ten[4:6]) % 60
    return 1 <= month <= 12 and 1 <= day <= 31 and luhn(ten)


def is_rijksregister(digits: str) -> bool:
    """Belgium, national number: a date of birth, and mod 97 over nine digits or with a 2 before."""
    month, body, key = int(digits[2:4]) % 20, digits[:9], int(digits[9:])
    return month <= 12 and key in {97 - int(body) % 97, 97 - int("2" + body) % 97}


def is_ahv(digits: str) -> bool:
    """Switzerland, AHV number: 756 and the check digit of a bar code."""
    return digits[:3] == "756" and _weighed(digits, (1, 3) * 6 + (1,)) % 10 == 0


def is_hetu(text: str) -> bool:
    """Finland, henkilötunnus: a date of birth, and a sign that follows from it, mod 31."""
    number = int(text[:6] + text[7:10])
    month, day = int(text[2:4]), int(text[:2])
    sign = "0123456789ABCDEFHJKLMNPRSTUVWXY"[number % 31]
    return 1 <= month <= 12 and 1 <= day <= 31 and sign == text[10]


def is_cpf(digits: str) -> bool:
    """Brazil, CPF: eleven digits, the last two mod 11."""

    def check(count: int) -> int:
        total = _weighed(digits[:count], tuple(range(count + 1, 1, -1)))
        return total * 10 % 11 % 10

    return len(set(digits)) > 1 and check(9) == int(digits[9]) and check(10) == int(digits[10])


HOLDS: Final[Mapping[str, Callable[[str], bool]]] = {
    "card": is_card,
    "iban": is_iban,
    "nhs": is_nhs,
    "nino": is_nino,
    "ssn": is_ssn,
    "steuer_id": is_steuer_id,
    "insee": is_insee,
    "dni": is_dni,
    "bsn": is_bsn,
    "codice_fiscale": is_codice_fiscale,
    "pesel": is_pesel,
    "personnummer": is_personnummer,
    "rijksregister": is_rijksregister,
    "ahv": is_ahv,
    "hetu": is_hetu,
    "cpf": is_cpf,
}
"""The rule of each kind, given its signs without separators, in capitals."""

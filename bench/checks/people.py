"""Generated personal data with known answers: valid values, and near misses.

Every number is made up and passes its check digits by construction, each by code of its own: the
checks under test are not asked.
"""

import random
from collections.abc import Callable

Dice = random.Random
SENTENCES = {
    "training": (
        "My {name} is {value}, can you check it?",
        "Please update {value} in my account.",
        "{value}",
        "I wrote {name} {value} on the form yesterday.",
        "Hi!\n\n{name}: {value}\n\nThanks, Ann",
        '{{"note": "{value}"}}',
        # Held out at first: see `personal.py`.
        "Hello, it still says {value} on the letter. Wrong!",
        "({value})",
        "The {name} you asked for was {value}.",
        "- {name}\t{value}\n- city\tCardiff",
        "Can I change {name} from {value} to another one?",
        "Fy {name} i yw {value}.",
        "{name}={value};",
    ),
    "held_out": (
        "Somebody used {value} and it is not me!",
        "{name} [{value}]",
        "Old {name}: {value}, new one to follow...",
        "<p>{value}</p>",
        "Yours, Lee / {value}",
        "Mae {value} yn anghywir, diolch.",
        "Meine {name} lautet {value}?",
    ),
}
NEAR_SENTENCES = {
    "training": (
        "My order {value} has not come.",
        "The invoice number is {value}.",
        "Part {value} is missing from the box.",
        "I paid {value} in all.",
        "Ticket {value} is still open.",
        # Held out at first.
        "My parcel {value} is late.",
        "The meter shows {value}.",
        "Booking reference {value}, please.",
        "Model {value} does not fit.",
        "It says error {value} on the screen.",
    ),
    "held_out": (
        "The device shows {value} when I start it.",
        "Line {value} of the log is odd.",
        "Can you explain {value} to me?",
        "Flight {value} was late.",
        "It weighs {value} on my scale.",
    ),
}


def digits(dice: Dice, count: int) -> str:
    return "".join(dice.choice("0123456789") for _ in range(count))


def card(dice: Dice) -> str:
    start, length = dice.choice(
        [("4", 16), ("51", 16), ("55", 16), ("2345", 16), ("37", 15), ("36", 14), ("6011", 16)]
    )
    body = start + digits(dice, length - len(start) - 1)
    total = sum(
        (int(d) * 2 - 9 if int(d) > 4 else int(d) * 2) if i % 2 == 0 else int(d)
        for i, d in enumerate(reversed(body))
    )
    number = body + str(-total % 10)
    if length == 16 and dice.random() < 0.6:
        sign = dice.choice(" -")
        return sign.join(number[i : i + 4] for i in range(0, 16, 4))
    if length == 15 and dice.random() < 0.5:
        return f"{number[:4]} {number[4:10]} {number[10:]}"
    return number


def iban(dice: Dice) -> str:
    country, body = dice.choice(
        [
            ("DE", digits(dice, 18)),
            ("GB", "WEST" + digits(dice, 14)),
            ("FR", digits(dice, 20) + "X" + digits(dice, 2)),
            ("NL", "INGB" + digits(dice, 10)),
            ("ES", digits(dice, 20)),
            ("NO", digits(dice, 11)),
        ]
    )
    plain = "".join(str(ord(s) - 55) if s.isalpha() else s for s in body + country + "00")
    whole = f"{country}{98 - int(plain) % 97:02}{body}"
    if dice.random() < 0.6:
        return " ".join(whole[i : i + 4] for i in range(0, len(whole), 4))
    return whole.lower() if dice.random() < 0.1 else whole


def email(dice: Dice) -> str:
    name = dice.choice(["ann", "b.jones", "siân", "o'neil", "lee+shop", "k_m", "info-desk", "x1"])
    host = dice.choice(
        ["example.org", "mail.example.co.uk", "cwmni.cymru", "firma.example", "a-b.io"]
    )
    return f"{name}{dice.randrange(100)}@{host}"


def phone(dice: Dice) -> str:

    def n(count: int) -> str:
        return digits(dice, count)

    return dice.choice(
        [
            f"+44 7{n(3)} {n(6)}",
            f"+44 (0)20 {n(4)} {n(4)}",
            f"07{n(3)} {n(6)}",
            f"07{n(9)}",
            f"029 20{n(2)} {n(4)}",
            f"01{n(3)} {n(6)}",
            f"(020) {n(4)} {n(4)}",
            f"+1 (212) 5{n(2)}-{n(4)}",
            f"212-5{n(2)}-{n(4)}",
            f"+49 30 {n(8)}",
            f"0171 {n(7)}",
            f"030/{n(8)}",
            f"06 {n(2)} {n(2)} {n(2)} {n(2)}",
            f"+33 6 {n(2)} {n(2)} {n(2)} {n(2)}",
            f"0033 1 {n(2)} {n(2)} {n(2)} {n(2)}",
            f"+48 6{n(2)} {n(3)} {n(3)}",
            f"612 {n(3)} {n(3)}",
            f"+34612{n(6)}",
        ]
    )


def nhs(dice: Dice) -> str:
    while True:
        body = digits(dice, 9)
        check = 11 - sum(int(d) * (10 - i) for i, d in enumerate(body)) % 11
        if check != 10:
            number = body + str(check % 11)
            return f"{number[:3]} {number[3:6]} {number[6:]}"


def nino(dice: Dice) -> str:
    sign = dice.choice(["", " "])
    parts = [dice.choice(["AB", "CE", "JN", "PX"]), *(digits(dice, 2) for _ in range(3))]
    return sign.join([*parts, dice.choice("ABCD")])


def ssn(dice: Dice) -> str:
    return f"{dice.randint(100, 665)}-{dice.randint(1, 99):02}-{dice.randint(1, 9999):04}"


def dni(dice: Dice) -> str:
    number = dice.randrange(10**8)
    letter = "TRWAGMYFPDXBNJZSQVHLCKE"[number % 23]
    return f"{number:08}{dice.choice(['', '-'])}{letter}"


def birth(dice: Dice) -> tuple[int, int, int]:
    return dice.randrange(100), dice.randint(1, 12), dice.randint(1, 28)


def insee(dice: Dice) -> str:
    year, month, _ = birth(dice)
    body = f"{dice.choice('12')}{year:02}{month:02}{dice.randint(1, 95):02}{digits(dice, 6)}"
    key = 97 - int(body) % 97
    if dice.random() < 0.5:
        return f"{body[0]} {body[1:3]} {body[3:5]} {body[5:7]} {body[7:10]} {body[10:]} {key:02}"
    return f"{body}{key:02}"


def personnummer(dice: Dice) -> str:
    year, month, day = birth(dice)
    body = f"{year:02}{month:02}{day:02}{digits(dice, 3)}"
    total = sum(sum(divmod(int(d) * (2 - i % 2), 10)) for i, d in enumerate(body))
    return f"{body[:6]}-{body[6:]}{-total % 10}"


def ahv(dice: Dice) -> str:
    body = "756" + digits(dice, 9)
    check = -sum(int(d) * (1, 3)[i % 2] for i, d in enumerate(body)) % 10
    return f"756.{body[3:7]}.{body[7:11]}.{body[11:]}{check}"


def hetu(dice: Dice) -> str:
    year, month, day = birth(dice)
    born, number = f"{day:02}{month:02}{year:02}", dice.randint(2, 899)
    sign = "0123456789ABCDEFHJKLMNPRSTUVWXY"[int(f"{born}{number:03}") % 31]
    return f"{born}{dice.choice('-A')}{number:03}{sign}"


def rijksregister(dice: Dice) -> str:
    year, month, day = birth(dice)
    body = f"{year:02}{month:02}{day:02}{dice.randint(1, 997):03}"
    key = 97 - int(body) % 97
    return f"{year:02}.{month:02}.{day:02}-{body[6:]}.{key:02}"


def cpf(dice: Dice) -> str:
    body = digits(dice, 9)
    for length in (9, 10):
        total = sum(int(d) * (length + 1 - i) for i, d in enumerate(body)) * 10 % 11
        body += str(total % 10)
    return f"{body[:3]}.{body[3:6]}.{body[6:9]}-{body[9:]}"


def secret(dice: Dice) -> str:
    letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

    def n(count: int) -> str:
        return "".join(dice.choice(letters) for _ in range(count))

    return dice.choice(
        [
            f"sk-proj-{n(40)}",
            f"AKIA{n(16).upper()}",
            f"ghp_{n(36)}",
            f"xoxb-{digits(dice, 11)}-{n(20)}",
            f"eyJ{n(20)}.eyJ{n(40)}.{n(30)}",
            f"glpat-{n(20)}",
            f"AIza{n(35)}",
        ]
    )


def ip(dice: Dice) -> str:
    return f"{dice.choice([8, 51, 81, 93, 151])}.{dice.randrange(256)}.{dice.randrange(256)}.7"


MAKERS: dict[str, tuple[str, Callable[[Dice], str]]] = {
    "card": ("card number", card),
    "iban": ("IBAN", iban),
    "email": ("e-mail", email),
    "phone": ("phone number", phone),
    "nhs": ("NHS number", nhs),
    "nino": ("NI number", nino),
    "ssn": ("SSN", ssn),
    "dni": ("DNI", dni),
    "insee": ("numéro", insee),
    "personnummer": ("personnummer", personnummer),
    "ahv": ("AHV", ahv),
    "hetu": ("hetu", hetu),
    "rijksregister": ("rijksregisternummer", rijksregister),
    "cpf": ("CPF", cpf),
    "secret": ("key", secret),
    "ip": ("address", ip),
}
CHECKED = {
    "card",
    "iban",
    "nhs",
    "dni",
    "insee",
    "personnummer",
    "ahv",
    "hetu",
    "rijksregister",
    "cpf",
}


def near_miss(dice: Dice) -> str:
    """A number or a text that looks like personal data and is none."""

    def n(count: int) -> str:
        return digits(dice, count)

    broken = dice.choice([card, iban, nhs, insee, ahv, rijksregister, cpf])(dice)
    place = max(i for i, sign in enumerate(broken) if sign.isdigit())
    wrong = broken[:place] + str((int(broken[place]) + dice.randint(1, 9)) % 10)
    return dice.choice(
        [
            wrong + broken[place + 1 :],
            n(8),
            n(9),
            n(10),
            n(11),
            "0" + n(9),
            f"{n(3)}-{n(7)}-{n(7)}",
            f"20{n(2)}-{dice.randint(1, 12):02}-{dice.randint(1, 28):02} 10:{dice.randint(10, 59)}",
            f"{dice.randint(1, 9)},{n(3)},{n(3)}.{n(2)}",
            f"{n(2)}-{n(2)}-{n(2)}",
            f"10.0.{dice.randrange(256)}.{dice.randrange(256)}",
            f"INV-20{n(2)}-{n(6)}",
            f"1Z{n(3)}AA{n(10)}",
            f"@handle{n(2)}",
            f"v{n(1)}.{n(2)}.{n(1)}.{n(3)}",
        ]
    )

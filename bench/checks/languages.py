"""How well languages are told apart: short Welsh and English queries, and whole sentences.

welsh_queries: Macsen's sentence templates (MIT, Bangor University) and the Universal
Declaration of Human Rights.  banking77: Casanueva et al. 2020, CC BY 4.0.
"""

from pathlib import Path

from bench.checks.halves import FLOORS, half_of, least, most, rows, told
from bench.checks.shares import Share
from seatrial.app.languages import Languages
from seatrial.reliability.checks.language import check_language, language_of
from seatrial.values.checks import Says

# ISO 639-3, as the sentences are labelled, to the codes of the model.
CODES = {
    "arb": "ar", "ben": "bn", "bre": "br", "cmn_hans": "zh", "cym": "cy",
    "deu_1996": "de", "ell_monotonic": "el", "eng": "en", "fin": "fi", "fra": "fr",
    "gla": "gd", "gle": "ga", "heb": "he", "hin": "hi", "hun": "hu",
    "ita": "it", "jpn": "ja", "kor": "ko", "nld": "nl", "pes_1": "fa",
    "pol": "pl", "por_PT": "pt", "ron_2006": "ro", "rus": "ru", "spa": "es",
    "swe": "sv", "swh": "sw", "tha": "th", "tur": "tr", "ukr": "uk",
    "urd": "ur", "vie": "vi", "yor": "yo",
}  # fmt: skip


def measure(folder: Path, half: str) -> bool:
    """Print how well it works on one half; True when every floor holds."""
    identify = Languages()
    floors = FLOORS["language"]
    welsh = [
        row["text"]
        for row in rows(folder / "welsh_queries" / "macsen_cy.csv")
        if half_of(row["text"]) == half
    ]
    english = [
        row["text"]
        for row in rows(folder / "banking77" / "test.csv")
        if half_of(row["text"]) == half
    ]
    sentences = [
        (CODES[row["lang"]], row["text"])
        for row in rows(folder / "welsh_queries" / "udhr_articles_1_15.csv")
        if half_of(row["text"]) == half
    ]
    foreign = [text for code, text in sentences if code not in {"cy", "en"}]

    def refused(texts: list[str], *understood: str) -> Share:
        wrong = [
            text
            for text in texts
            if check_language(text, understood=understood, says=Says.REFUSE, identify=identify).code
        ]
        return Share(len(wrong), len(texts))

    print(f"language, {half}")
    named = Share(sum(identify(text)[0] == "cy" for text in welsh), len(welsh))
    right = Share(sum(identify(text)[0] == code for code, text in sentences), len(sentences))
    sure = Share(sum(language_of(text, identify) == "cy" for text in welsh), len(welsh))
    told("Welsh queries surely Welsh", sure)
    told("English queries refused where Welsh is understood", refused(english, "cy"))
    told("Welsh queries refused where English is understood", refused(welsh, "en"))
    return all(
        [
            least("Welsh queries named as Welsh", named, floors["welsh_recognised"]),
            most(
                "refused: Welsh queries",
                refused(welsh, "cy", "en"),
                floors["welsh_wrongly_refused"],
            ),
            most("refused: banking77", refused(english, "en"), floors["english_wrongly_refused"]),
            least("whole sentences named", right, floors["sentences_recognised"]),
            least(
                "refused: sentences in 31 other languages",
                refused(foreign, "cy", "en"),
                floors["foreign_refused"],
            ),
        ]
    )

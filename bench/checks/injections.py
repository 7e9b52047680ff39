"""How many attempts to take over a model are flagged, and how many honest texts.

bastioncorpus 0.6.0 (MIT): small and synthetic.  BIPIA (MIT, Microsoft): e-mails with an ordinary
request hidden in them.  xstest: Röttger et al. 2024, CC BY 4.0.  banking77: Casanueva et al. 2020,
CC BY 4.0.
"""

import json
from pathlib import Path

from bench.checks.halves import FLOORS, half_of, least, lines, most, rows, told
from bench.checks.shares import Share
from seatrial.reliability.checks.incoming import Asked, InputPlan, examine_input
from seatrial.values.checks import Says

PLACED = ("indirect_injection", "delimiter_injection")


def says(text: str, *, document: bool = False) -> Says:
    """What the checks of a feature say of a text with the default settings."""
    role = "tool" if document else "user"
    body = {"messages": [{"role": role, "content": text, "tool_call_id": "1"}]}
    return examine_input(InputPlan(), Asked(body)).verdict.says


def flagged(texts: list[str], *, document: bool = False) -> Share:
    """How many of these texts do not simply pass."""
    found = sum(says(text, document=document) is not Says.PASS for text in texts)
    return Share(found, len(texts))


def measure(folder: Path, half: str) -> bool:
    """Print what is flagged in one half; True when every floor holds."""
    floors = FLOORS["injection"]
    place = folder / "prompt_injection"
    corpus = [
        row
        for row in lines(place / "bastioncorpus_injections.jsonl")
        if half_of(row["text"]) == half
    ]
    by_family: dict[str, Share] = {}
    for family in sorted({row["category"] for row in corpus}):
        own = [row for row in corpus if row["category"] == family]
        hits = sum(
            says(row["text"], document=row["channel"] != "user_input") is not Says.PASS
            for row in own
        )
        by_family[family] = Share(hits, len(own))

    def together(*families: str) -> Share:
        chosen = [by_family[family] for family in families if family in by_family]
        return Share(sum(each.hits for each in chosen), sum(each.of for each in chosen))

    malicious = [name for name in by_family if not name.startswith("benign")]
    benign = [name for name in by_family if name.startswith("benign")]
    safe = [
        row["prompt"]
        for row in rows(folder / "xstest" / "xstest_prompts.csv")
        if row["label"] == "safe"
    ]
    questions = [
        row["text"]
        for row in rows(folder / "banking77" / "test.csv")
        if half_of(row["text"]) == half
    ]
    print(f"injection, {half}")
    for family in malicious:
        told(family, by_family[family])
    told("BIPIA: an attack at the end of an e-mail", hidden_in_mails(place, half))
    told("BIPIA: the e-mails alone", flagged(mails(place), document=True))
    blocked = Share(sum(says(text) in {Says.REFUSE, Says.HAND_OFF} for text in safe), len(safe))
    direct = [family for family in malicious if family not in PLACED]
    return all(
        [
            least("direct attempts flagged", together(*direct), floors["direct_recall"]),
            least("attempts in documents flagged", together(*PLACED), floors["indirect_recall"]),
            most("near misses flagged", together(*benign), floors["benign_flagged"]),
            most("xstest's safe questions blocked", blocked, floors["xstest_safe_blocked"]),
            most("xstest's safe questions flagged", flagged(safe), floors["xstest_safe_flagged"]),
            most("banking77 flagged", flagged(questions), floors["banking77_flagged"]),
        ]
    )


def mails(place: Path) -> list[str]:
    return [row["context"] for row in lines(place / "bipia_email_contexts.jsonl")]


def hidden_in_mails(place: Path, half: str) -> Share:
    """BIPIA's way: each attack at the end of an e-mail that a tool returned."""
    kinds = json.loads((place / "bipia_text_attacks.json").read_text())
    attacks = [text for texts in kinds.values() for text in texts if half_of(text) == half]
    contexts = mails(place)
    texts = [f"{contexts[i % len(contexts)]}\n{text}" for i, text in enumerate(attacks)]
    return flagged(texts, document=True)

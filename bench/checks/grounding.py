"""How well grounding is checked, on cases built with known answers.

Two kinds of cases.  *Pages*: three short pages of a harbour's handbook with prices, days, times
and names, and an answer to a question about them, in other words and other ways of writing
numbers; some answers add two prices, or are in Welsh.  *Declaration*: articles of the Universal
Declaration of Human Rights in 33 languages, and an answer that quotes one.  Each answer comes as
it should be, and with one planted fault of each kind.

The floors were written down before the first measurement.  That one counted the answers that add
two prices among the faithful ones, and missed the floor for pages: 46 of 400 failed, all 46 of
them sums.  That sums are failed is the nature of the check; they are counted apart since.
"""

import csv
import random
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.checks.shares import Share
from seatrial.reliability.checks.grounding import check_grounding
from seatrial.reliability.checks.sources import documents_of

RECALL_FLOOR = 0.90  # of the answers with one planted fault, over all kinds
KIND_FLOOR = 0.80  # of those of one kind: number, name, date, citation, quote
FALSE_FLOOR = 0.10  # of the faithful answers, at most

# Told, without a floor: what words alone cannot tell.
SWAPPED = "swapped"  # a right number in the wrong place
SUMMED = "summed"  # true, and nowhere written
UNTOLD = {SWAPPED: "numbers of another fact found", SUMMED: "true sums failed"}

FIRST = "Gwen Rhys Mair Owain Sioned Ifan Carys Dylan Elin Huw Ann Tom Grace Paul Iris".split()
LAST = "Rees Morgan Pugh Bevan Price Hughes Carter Walsh Keller Novak Lund Moreau Abbott".split()
PLACES = (
    "Barry,Port Talbot,Cardiff,Swansea,Penarth,Milford Haven,Lundy,Ilfracombe,Aberdovey,Fishguard"
).split(",")
MONTHS = (
    "January February March April May June July August September October November December"
).split()
WORDS = "zero one two three four five six seven eight nine ten eleven twelve".split()


@dataclass(frozen=True)
class Case:
    context: str
    question: str
    answer: str
    fault: str  # empty when it is faithful


class Page:
    """The facts of one page, and the ways to write them."""

    def __init__(self, dice: random.Random) -> None:
        self.place = dice.choice(PLACES)
        self.name = f"{dice.choice(FIRST)} {dice.choice(LAST)}"
        self.price = dice.randrange(1_000, 9_999)
        self.fee = dice.randrange(13, 99)
        self.share = dice.choice([2.5, 4, 7.5, 12, 15, 17.5, 35])
        self.boats = dice.randrange(2, 12)
        self.day, self.month = dice.randrange(1, 28), dice.randrange(12)
        self.year = dice.randrange(2019, 2026)
        self.hour, self.minute = dice.randrange(1, 12), dice.choice([5, 10, 20, 35, 50])

    def text(self) -> str:
        return (
            f"The harbour of {self.place} is led by {self.name}. A berth costs £{self.price:,} a "
            f"year and the fee for a visit is £{self.fee}.50. Whoever pays before {self.day} "
            f"{MONTHS[self.month]} {self.year} saves {self.share:g} %. "
            f"{WORDS[self.boats].capitalize()} boats leave at {self.hour}:{self.minute:02} pm."
        )

    def sentences(self, dice: random.Random) -> dict[str, list[str]]:
        """Each fact in other words, by the kind of fault that can be planted in it."""
        month = MONTHS[self.month]
        return {
            "number": [
                f"A berth is {self.price} pounds a year.",
                f"You pay £{self.price:,}.00 for a year's berth.",
                f"A visit costs {self.fee}.5 pounds.",
                f"Early payers save {self.share:g} percent.",
                f"There is a discount of {self.share / 100:g} on the price.",
                f"There are {self.boats} boats.",
                f"They leave at {self.hour + 12}:{self.minute:02}.",
                f"Mae angorfa yn costio £{self.price} y flwyddyn.",
            ],
            "name": [
                f"The harbour is led by {self.name}.",
                f"Please ask {self.name} about it.",
                f"It belongs to {self.place}, and Ms {self.name.split()[1]} leads it.",
                f"{self.name}'s harbour lies at {self.place}.",
                f"Gofynnwch i {self.name} os gwelwch yn dda.",
            ],
            "date": [
                f"Pay before {month} {self.day}, {self.year} to save.",
                f"The date is {self.year}-{self.month + 1:02}-{self.day:02}.",
                f"Pay by {self.day:02}/{self.month + 1:02}/{self.year}.",
                f"Pay before the {self.day}th of {month}.",
            ],
            "quote": [
                f'It says "the fee for a visit is £{self.fee}.50" [N].',
                f"“The harbour of {self.place} is led by {self.name}” [N].",
                f"As [N] says, “whoever pays before {self.day} {month} … saves {self.share:g} %”.",
            ],
        }


def pages(dice: random.Random, count: int) -> Iterator[Case]:
    """Answers about pages, faithful and with one fault each."""
    for _ in range(count):
        own = [Page(dice) for _ in range(3)]
        context = "\n".join(f"[{n}] {page.text()}" for n, page in enumerate(own, start=1))
        number = dice.randrange(3)
        page = own[number]
        question = f"Tell me about the harbour of {page.place}."
        ways = page.sentences(dice)
        said = {kind: dice.choice(options) for kind, options in ways.items()}
        order = dice.sample(sorted(said), 3)

        def answer(parts: dict[str, str], cite: int, order: list[str] = order) -> str:
            lines = [parts[kind].replace("[N]", f"[{cite}]") for kind in order]
            return f"{lines[0]} {lines[1]} [{cite}]\n{lines[2]}"

        faithful = answer(said, number + 1)
        if dice.random() < 0.1:
            added = f" A berth and a visit are £{page.price + page.fee}.50 together."
            yield Case(context, question, faithful + added, SUMMED)
        yield Case(context, question, faithful, "")
        other = Page(dice)
        wrong = other.sentences(dice)
        for kind in order:
            if kind == "quote":
                quote = said[kind]
                planted = (
                    quote.replace("visit", "berth")
                    .replace("led by", "owned by")
                    .replace("pays before", "pays after")
                )
            else:
                at = ways[kind].index(said[kind])
                planted = wrong[kind][at]
            if planted != said[kind]:
                yield Case(context, question, answer(said | {kind: planted}, number + 1), kind)
        yield Case(context, question, answer(said, dice.randrange(4, 30)), "citation")
        if "number" in order:
            neighbour = own[(number + 1) % 3].sentences(dice)["number"]
            swapped = neighbour[ways["number"].index(said["number"])]
            if swapped != said["number"]:
                yield Case(
                    context, question, answer(said | {"number": swapped}, number + 1), SWAPPED
                )


def declaration(folder: Path, dice: random.Random) -> Iterator[Case]:
    """Answers that quote an article, in 33 languages."""
    articles: dict[str, dict[str, str]] = defaultdict(dict)
    path = folder / "welsh_queries" / "udhr_articles_1_15.csv"
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            known = articles[row["lang"]]
            known[row["article"]] = f"{known.get(row['article'], '')} {row['text']}".strip()
    for language in articles.values():
        for number in dice.sample(sorted(language), min(6, len(language))):
            others = dice.sample([each for each in sorted(language) if each != number], 2)
            shown = sorted([number, *others], key=int)
            context = "\n".join(f"[{each}] {language[each]}" for each in shown)
            words = language[number].split()
            cut = words[2 : 2 + min(14, len(words) - 3)]
            if len(cut) < 4:
                continue
            quote = " ".join(cut)
            frame = f"{language[shown[0]].split('. ')[0]} [{shown[0]}]. “{{}}” [{{}}]"
            yield Case(context, "?", frame.format(quote, number), "")
            changed = [*cut]
            foreign = [word for word in language[others[0]].split() if word not in cut]
            changed[len(cut) // 2] = dice.choice(foreign)
            yield Case(context, "?", frame.format(" ".join(changed), number), "quote")
            absent = next(each for each in range(40, 99) if str(each) not in shown)
            yield Case(context, "?", frame.format(quote, absent), "citation")


def found(case: Case) -> bool:
    """Whether the check finds fault with the answer."""
    documents = documents_of({}, {"context": case.context})
    return bool(check_grounding(case.answer, documents, [case.question], then="refuse").counts)


def measure(folder: Path) -> bool:
    """Print what is found in answers with and without faults; True when every floor holds."""
    dice = random.Random(20261122)
    cases = {"pages": list(pages(dice, 400)), "declaration": list(declaration(folder, dice))}
    fine = True
    for name, own in cases.items():
        by_kind: dict[str, list[bool]] = defaultdict(list)
        for case in own:
            by_kind[case.fault].append(found(case))
        counted = {kind: Share(sum(hits), len(hits)) for kind, hits in by_kind.items()}
        false = counted.pop("")
        untold = {kind: counted.pop(kind) for kind in UNTOLD if kind in counted}
        together = Share(sum(x.hits for x in counted.values()), sum(x.of for x in counted.values()))
        good = together.share >= RECALL_FLOOR and false.share <= FALSE_FLOOR
        good = good and all(each.share >= KIND_FLOOR for each in counted.values())
        fine = fine and good
        true = Share(together.hits, together.hits + false.hits)
        print(f"grounding, {name}: {'holds' if good else 'BELOW A FLOOR'}")
        print(f"  planted faults found      {together}, at least {RECALL_FLOOR:.0%}")
        for kind, share in sorted(counted.items()):
            print(f"    {kind:22}  {share}, at least {KIND_FLOOR:.0%}")
        print(f"  faithful answers failed   {false}, at most {FALSE_FLOOR:.0%}")
        print(f"  precision among all these {true}")
        for kind, share in untold.items():
            print(f"  {UNTOLD[kind]}: {share} (no floor)")
    return fine


if __name__ == "__main__":
    sys.exit(not measure(Path(sys.argv[1])))

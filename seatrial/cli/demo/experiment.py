"""The demo's AI experiment: a small classifier that picks one of the shop's fixed answers.

It learns at start, in well under a second, from the training questions and from the shop's own
answers: words, word pairs and pieces of words, weighted by how rare they are (tf-idf), and one mean
direction per intent. It is as good as such experiments are: useful, and wrong at times.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import exp, log, sqrt
from typing import Final

from seatrial.cli.demo.questions import NONE, Question, Questions

UNSURE_TEXT: Final = (
    "I am not sure what you need. Could you say it in other words, with the order number if you "
    "have one? Or call us on 01632 960 200, Monday to Saturday, 8 am to 6 pm."
)
SURE_ENOUGH: Final = 0.25  # confidence; below it three in four training questions came out wrong

READ_CHARS: Final = 2_000  # a question says early what it is about; reading on costs only time
PIECES: Final = (3, 4)  # letters; pieces of words are what survives a typing error
SHARPNESS: Final = (5.0, 10.0, 15.0, 20.0, 25.0, 30.0, 40.0, 50.0, 70.0)

SHORT_FORMS: Final = (
    ("’", "'"), ("n't", " not"), ("'ve", " have"), ("'m", " am"), ("'s", " is"),
    ("'ll", " will"), ("'d", " would"), ("'re", " are"),
)  # fmt: skip
# Which article it is says nothing about what the customer wants, and misleads a small classifier.
ARTICLES: Final = re.compile(
    r"\b(?:washing machine|tumble dryer|(?:coffee|ice) (?:maker|machine)|vacuum cleaner|desk lamp"
    r"|kettle|lamp|lampshade|heater|toaster|fridge|freezer|washer|dryer|oven|cooker|hob|dishwasher"
    r"|microwave|fan|blender|vacuum|vase|mirror|bulb|shelf|shelve|plate|appliance)s?\b"
)
ARTICLE: Final = "article"

Sparse = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Reply:
    """What the experiment makes of one question.

    Args:
        intent: what it takes the question to be about; `NONE` when it looked like none it knows.
        confidence: its own estimate in [0, 1] that the best intent is right; not calibrated by
            anyone else.
        text: the fixed answer for the customer.
    """

    intent: str
    confidence: float
    text: str


class Experiment:
    """A trained classifier; made by `train`. The same question always gets the same reply."""

    def __init__(
        self,
        answers: Mapping[str, str],
        *,
        rarity: Sparse,
        directions: Mapping[str, Sparse],
        sharpness: float,
    ) -> None:
        self._answers = dict(answers)
        self._rarity = rarity
        self._intents = tuple(directions)
        self._sharpness = sharpness
        # Turned round, so that a question looks up each of its features once.
        self._pulls: dict[str, list[tuple[int, float]]] = defaultdict(list)
        for place, direction in enumerate(directions.values()):
            for feature, weight in direction.items():
                self._pulls[feature].append((place, weight))

    def answer(self, question: str) -> Reply:
        """Answer any text: never raises, and takes a few milliseconds however long the text is.

        Args:
            question: what the customer wrote; only the first `READ_CHARS` characters count.

        Returns:
            The fixed answer of the likeliest intent; below `SURE_ENOUGH`, `UNSURE_TEXT`.
        """
        scores = [0.0] * len(self._intents)
        for feature, weight in _weigh(question, self._rarity).items():
            for place, pull in self._pulls.get(feature, ()):
                scores[place] += weight * pull
        shares = _soften(scores, self._sharpness)
        confidence = max(shares)
        if confidence < SURE_ENOUGH:
            return Reply(NONE, confidence, UNSURE_TEXT)
        intent = self._intents[shares.index(confidence)]
        return Reply(intent, confidence, self._answers[intent])


def train(questions: Questions) -> Experiment:
    """Train the experiment; the same questions always give the same experiment.

    Args:
        questions: only `train` and `answers` are looked at.
    """
    lessons = [(question.text, question.intent) for question in questions.train]
    lessons += [
        (sentence, intent)
        for intent, answer in questions.answers.items()
        for sentence in re.split(r"[.;]", answer)
        if sentence.strip()
    ]
    rarity = _measure_rarity(text for text, _ in lessons)
    weighed = [(_weigh(text, rarity), intent) for text, intent in lessons]
    sums: dict[str, dict[str, float]] = {intent: defaultdict(float) for intent in questions.answers}
    for vector, intent in weighed:
        for feature, weight in vector.items():
            sums[intent][feature] += weight
    asked = weighed[: len(questions.train)]
    return Experiment(
        questions.answers,
        rarity=rarity,
        directions={intent: _normalise(total) for intent, total in sums.items()},
        sharpness=_find_sharpness(asked, sums),
    )


def measure_accuracy(intent_of: Callable[[str], str], questions: Iterable[Question]) -> float:
    """Share of the questions whose intent is found, in [0, 1].

    Where no answer fits, `NONE` is the right one.

    >>> measure_accuracy(lambda text: "stock", [Question("Any left?", "stock")])
    1.0
    """
    found = [intent_of(question.text) == question.intent for question in questions]
    return sum(found) / len(found)


def _read_features(text: str) -> Iterator[str]:
    text = text[:READ_CHARS].lower()
    for short, long in SHORT_FORMS:
        text = text.replace(short, long)
    words = re.findall(r"[^\W\d_]+|\d+", ARTICLES.sub(ARTICLE, text))
    yield from (f"word {word}" for word in words)
    yield from (f"pair {one} {two}" for one, two in zip(["^", *words], [*words, "$"], strict=True))
    for word in words:
        if word != ARTICLE:
            yield from _cut(f"<{word}>")


def _cut(word: str) -> Iterator[str]:
    for letters in PIECES:
        yield from (word[at : at + letters] for at in range(len(word) - letters + 1))


def _measure_rarity(texts: Iterable[str]) -> Sparse:
    seen = [set(_read_features(text)) for text in texts]
    counts = Counter(feature for features in seen for feature in features)
    return {feature: log((len(seen) + 1) / (count + 0.5)) for feature, count in counts.items()}


def _weigh(text: str, rarity: Sparse) -> Sparse:
    counts = Counter(_read_features(text))
    return _normalise(
        {
            feature: (1 + log(count)) * rarity[feature]
            for feature, count in counts.items()
            if feature in rarity
        }
    )


def _normalise(vector: Sparse) -> Sparse:
    length = sqrt(sum(weight * weight for weight in vector.values()))
    return {feature: weight / length for feature, weight in vector.items()} if length else {}


def _soften(scores: Sequence[float], sharpness: float) -> list[float]:
    powers = [exp(sharpness * score) for score in scores]
    total = sum(powers)
    return [power / total for power in powers]


def _find_sharpness(asked: Sequence[tuple[Sparse, str]], sums: Mapping[str, Sparse]) -> float:
    """Find how fast confidence should grow with the score, each question judged without itself."""
    squares = {intent: sum(x * x for x in total.values()) for intent, total in sums.items()}
    judged = [_score_without_itself(vector, own, sums, squares) for vector, own in asked]

    def surprise(sharpness: float) -> float:
        return -sum(log(_soften(scores, sharpness)[place]) for scores, place in judged)

    return min(SHARPNESS, key=surprise)


def _score_without_itself(
    vector: Sparse, own: str, sums: Mapping[str, Sparse], squares: Mapping[str, float]
) -> tuple[list[float], int]:
    scores = []
    for intent, total in sums.items():
        along = sum(weight * total.get(feature, 0.0) for feature, weight in vector.items())
        square = squares[intent]
        if intent == own:
            # |s - v|^2 = |s|^2 - 2 s.v + 1, as v has length one.
            along, square = along - 1, square - 2 * along + 1
        scores.append(along / sqrt(square) if square > 0 else 0.0)
    return scores, list(sums).index(own)

"""The demo's voyage: the same traffic, the same weather, with Seatrial and without it."""

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from seatrial.cli.demo.breakers import Breaker, Breakers
from seatrial.cli.demo.chatwire import MODEL
from seatrial.cli.demo.client import Customers
from seatrial.cli.demo.experiment import UNSURE_TEXT, train
from seatrial.cli.demo.gateway import FEATURE, ROUTE, serving, write_config
from seatrial.cli.demo.model import ModelThread
from seatrial.cli.demo.questions import NONE, load_questions
from seatrial.cli.demo.tally import Tally
from seatrial.cli.demo.traffic import Visit, generate_traffic
from seatrial.cli.demo.weather import Spell, Weather, write_script

QUESTIONS_S: Final = 84  # per second: about 3,000 in the default length
SEED: Final = 7
LOOK_S: Final = 0.2


@dataclass(slots=True)
class Voyage:
    """What can be watched while the demo runs, and told when it is over.

    Args:
        over_s: length of traffic and weather, in seconds.
        script: the weather.
        folder: configuration, records and the gateway's log.
        straight: customers who ask the model itself.
        through: customers who ask through Seatrial.
        breakers: of Seatrial's targets, as the gateway tells them.
    """

    over_s: float
    script: Sequence[Spell]
    folder: Path
    straight: Tally
    through: Tally
    began_at: float = 0.0
    weather: Weather = Weather.FINE
    breakers: Sequence[Breaker] = ()

    @property
    def config(self) -> Path:
        """The configuration that was served."""
        return self.folder / "seatrial.toml"

    @property
    def elapsed_s(self) -> float:
        """Seconds since the traffic began; 0 before."""
        return time.monotonic() - self.began_at if self.began_at else 0.0


def sail(over_s: float, folder: Path, *, watch: Callable[[Voyage], None]) -> Voyage:
    """Run the demo.

    Args:
        over_s: how long the traffic lasts, in seconds.
        folder: an existing folder for configuration, records and log.
        watch: called a few times per second.

    Raises:
        Unavailable: the gateway did not start.
    """
    questions = load_questions()
    experiment = train(questions)
    script = write_script(over_s)
    visits = generate_traffic(
        questions, count=round(over_s * QUESTIONS_S), over_s=over_s, seed=SEED
    )
    right = {**questions.answers, NONE: UNSURE_TEXT}
    voyage = Voyage(
        over_s,
        script,
        folder,
        straight=Tally(("model",), right, over_s),
        through=Tally(ROUTE, right, over_s),
    )

    @cache
    def answer(question: str) -> str:
        return experiment.answer(question).text

    # Two models of the same seed and script: neither side's crowd slows down the other's.
    with ExitStack() as stack:
        ours = stack.enter_context(ModelThread(answer, script=script, seed=SEED))
        theirs = stack.enter_context(ModelThread(answer, script=script, seed=SEED))
        url = stack.enter_context(serving(write_config(folder, base_url=ours.base_url)))
        asyncio.run(_sail(voyage, visits, ours=ours, theirs=theirs, url=url, watch=watch))
    return voyage


async def _sail(
    voyage: Voyage,
    visits: Sequence[Visit],
    *,
    ours: ModelThread,
    theirs: ModelThread,
    url: str,
    watch: Callable[[Voyage], None],
) -> None:
    async with (
        Customers(url, FEATURE) as through,
        Customers(theirs.base_url, MODEL) as straight,
    ):
        ours.begin()
        theirs.begin()
        began_at = time.monotonic()
        voyage.began_at = voyage.through.began_at = voyage.straight.began_at = began_at
        breakers = Breakers(url.removesuffix("/v1"))
        following = asyncio.create_task(breakers.follow())
        watching = asyncio.create_task(_watch(voyage, ours, breakers, watch))
        try:
            async with asyncio.TaskGroup() as sides:
                for side, customers in ((voyage.through, through), (voyage.straight, straight)):
                    sides.create_task(customers.send_all(visits, log=side))
        finally:
            watching.cancel()
            following.cancel()
    voyage.weather = ours.weather
    watch(voyage)


async def _watch(
    voyage: Voyage, model: ModelThread, breakers: Breakers, watch: Callable[[Voyage], None]
) -> None:
    while True:
        voyage.weather = model.weather
        voyage.breakers = breakers.now
        watch(voyage)
        await asyncio.sleep(LOOK_S)

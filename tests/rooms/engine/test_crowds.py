"""What comes of crowds at the gate: minutes of overload in virtual time."""

from __future__ import annotations

import asyncio
import random
from collections import Counter, defaultdict
from dataclasses import dataclass, field

from seatrial.engine.admission import Admission
from seatrial.testing.clock import run
from seatrial.values.criticality import Criticality
from seatrial.values.decisions import Refused
from tests.rooms.engine.test_admission import BATCH, DEFAULT, INTERACTIVE, admission_of, ask


@dataclass
class Crowd:
    """Callers who come at random and are served for a random while; counts what came of them."""

    admission: Admission
    dice: random.Random
    served: Counter[object] = field(default_factory=Counter)
    refused: Counter[object] = field(default_factory=Counter)
    waits: dict[object, list[float]] = field(default_factory=lambda: defaultdict(list))
    slow: int = 0
    late: int = 0
    slowness: float = 1.0

    async def come(self, name: object, key: str, criticality: Criticality, took_s: float) -> None:
        """Come once."""
        loop = asyncio.get_running_loop()
        came = loop.time()
        found = await ask(self.admission, key, criticality, patience_s=10.0)
        waited_s = loop.time() - came
        if isinstance(found, Refused):
            self.refused[name] += 1
            self.slow += waited_s > 0.02
            return
        self.late += waited_s > 1.0
        self.waits[name].append(waited_s)
        try:
            await asyncio.sleep(self.slowness * took_s * self.dice.uniform(0.5, 1.5))
        finally:
            self.admission.leave(found)
        self.served[name] += 1

    async def flow(
        self,
        name: object,
        rate: float,
        seconds: float,
        *,
        key: str = "k",
        criticality: Criticality = DEFAULT,
        took_s: float = 0.1,
    ) -> None:
        """Come as a Poisson stream."""
        loop = asyncio.get_running_loop()
        ends = loop.time() + seconds
        tasks = set()
        while loop.time() < ends:
            await asyncio.sleep(self.dice.expovariate(rate))
            task = asyncio.ensure_future(self.come(name, key, criticality, took_s))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
        await asyncio.gather(*tasks)

    async def beats(self, seconds: float) -> None:
        """Beat as the application does."""
        for _ in range(int(seconds * 4)):
            await asyncio.sleep(0.25)
            self.admission.beat(0.0, 0)


def test_goodput_stays_flat_at_three_times_capacity() -> None:
    """20 places of 0.1 s serve 200 a second; 600 a second still get 190, refused ones at once.

    Five seconds after the rush everybody is served again.
    """

    async def main() -> None:
        crowd = Crowd(admission_of(20), random.Random(1))
        rush = asyncio.ensure_future(crowd.beats(80.0))
        await crowd.flow("rush", 600.0, 60.0)
        assert crowd.served["rush"] >= 0.95 * 200 * 60
        assert crowd.slow <= 0.01 * crowd.refused["rush"]
        assert crowd.late <= 0.03 * crowd.served["rush"]  # those who waited when it began
        await asyncio.sleep(5.0)
        assert not crowd.admission.view().overloaded
        await crowd.flow("after", 100.0, 10.0)
        assert 0 == crowd.refused["after"]
        rush.cancel()

    run(main())


def test_the_queue_is_as_long_as_what_is_done_in_a_second() -> None:
    """Where 200 a second are served a burst of 150 waits and is served; 20 places say little."""

    async def main() -> None:
        crowd = Crowd(admission_of(20), random.Random(5))
        beats = asyncio.ensure_future(crowd.beats(60.0))
        await crowd.flow("before", 190.0, 10.0)
        await asyncio.gather(*(crowd.come("burst", "k", DEFAULT, 0.1) for _ in range(150)))
        assert 150 == crowd.served["burst"]
        beats.cancel()

    run(main())


def test_a_key_at_ten_times_its_share_leaves_the_others_alone() -> None:
    """Nine keys within their shares are served to more than 99.9 %, whatever the tenth does.

    Nearly none of them waits for a place: a few are kept free for them.
    """

    async def main() -> None:
        crowd = Crowd(admission_of(100), random.Random(2))
        share = 100.0  # a second: ten keys, 100 places of 0.1 s
        others = [crowd.flow("others", 0.8 * share, 20.0, key=f"k{number}") for number in range(9)]
        greedy = crowd.flow("greedy", 10 * share, 20.0, key="greedy")
        await asyncio.gather(crowd.beats(20.0), greedy, *others)
        came = crowd.served["others"] + crowd.refused["others"]
        assert crowd.served["others"] > 0.999 * came
        assert sorted(crowd.waits["others"])[int(0.99 * came)] < 0.02
        assert crowd.served["greedy"] > 0.9 * share * 20
        assert crowd.refused["greedy"] > 0.75 * 9 * share * 20

    run(main())


def test_a_dip_of_what_can_be_done_is_waited_out_by_the_others() -> None:
    """For a second answers take three times as long and the loop is late: only the greedy pays."""

    async def main() -> None:
        crowd = Crowd(admission_of(100), random.Random(6))
        share = 100.0
        others = [crowd.flow("others", 0.6 * share, 20.0, key=f"k{number}") for number in range(9)]
        greedy = crowd.flow("greedy", 10 * share, 20.0, key="greedy")

        async def dips() -> None:
            for _ in range(4):
                await asyncio.sleep(4.0)
                crowd.slowness = 3.0
                crowd.admission.beat(0.3, 0)
                await asyncio.sleep(1.0)
                crowd.slowness = 1.0

        await asyncio.gather(crowd.beats(20.0), dips(), greedy, *others)
        came = crowd.served["others"] + crowd.refused["others"]
        assert crowd.served["others"] > 0.999 * came
        assert crowd.served["greedy"] > 0.5 * share * 20

    run(main())


def test_between_keys_fairness_decides_and_within_a_key_how_much_it_matters() -> None:
    """A greedy key calls half of what it asks interactive: the others' batch is served as well.

    What the greedy key calls batch is refused before what it calls interactive.
    """

    async def main() -> None:
        crowd = Crowd(admission_of(100), random.Random(8))
        share = 100.0
        await asyncio.gather(
            crowd.beats(20.0),
            *(
                crowd.flow("others", 0.7 * share, 20.0, key=f"k{number}", criticality=BATCH)
                for number in range(9)
            ),
            crowd.flow("loud", 3 * share, 20.0, key="greedy", criticality=INTERACTIVE),
            crowd.flow("spare", 3 * share, 20.0, key="greedy", criticality=BATCH),
        )
        came = crowd.served["others"] + crowd.refused["others"]
        assert crowd.served["others"] > 0.999 * came
        assert crowd.served["loud"] > 0.85 * 3 * share * 20
        assert crowd.served["spare"] < 0.35 * 3 * share * 20

    run(main())


def test_batch_is_refused_before_people_are() -> None:
    """With people at 80 % and batch at 80 % of the capacity, people notice nothing."""

    async def main() -> None:
        crowd = Crowd(admission_of(20), random.Random(4))
        await asyncio.gather(
            crowd.beats(60.0),
            crowd.flow("people", 160.0, 60.0, criticality=INTERACTIVE),
            crowd.flow("batch", 160.0, 60.0, criticality=BATCH),
        )
        assert crowd.served["people"] > 0.999 * (crowd.served["people"] + crowd.refused["people"])
        assert crowd.refused["batch"] > 0.5 * 120 * 60

    run(main())

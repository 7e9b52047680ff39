"""What the benchmark makes of its raw figures."""

import doctest
import math

import pytest

from bench import campaign, figures, profile, report, wire
from bench.figures import AIMS, Aim, Figure, Measured, Round, percentile, spread, summary
from bench.load import Busy, Paced, Streamed

LIMIT = Aim("cpu_vs_bare", 2.0, "×", "cost")


def a_round(cpu_us: float, latency_ms: float = 1.0, wrong: int = 0) -> Round:
    """One round of 100 requests and two streams that cost `cpu_us` each."""
    return Round(
        Busy(100, wrong, seconds=1.0, cpu_ns=int(cpu_us * 100_000)),
        Paced((latency_ms / 1e3,) * 10, 0),
        Streamed(2, (latency_ms / 1e3,) * 2, errors=0, cpu_ns=int(cpu_us * 20_000)),
    )


def measured(**rounds: list[Round]) -> Measured:
    """A run of streams with ten events each, in which a bare proxy took part."""
    known = {name.replace("_", " "): each for name, each in rounds.items()}
    return Measured(events=10, bare="bare aiohttp", rounds=known)


@pytest.mark.parametrize("module", [figures, profile, report, wire, campaign])
def test_examples_hold(module: object) -> None:
    """Every example of the module prints what stands below it."""
    assert 0 == doctest.testmod(module).failed  # type: ignore[arg-type]  # modules, as objects


def test_samples_outside_any_function_are_left_out() -> None:
    """A profile counts functions, not the process that py-spy puts before them."""
    table = profile.sampled_table(['process 7:"serve";read (b.py:2) 3', 'process 7:"serve" 9'])

    assert ["100.0", "100.0", "read", "(b.py)"] == table.splitlines()[1].split()
    assert 2 == len(table.splitlines())


def test_percentile_lies_between_neighbours() -> None:
    """The 99th percentile of 0 to 100 is 99, and of two values nearly the greater one."""
    assert 99.0 == percentile([float(value) for value in range(101)], 0.99)
    assert pytest.approx(1.99) == percentile([2.0, 1.0], 0.99)


def test_percentile_of_nothing_is_no_good_news() -> None:
    """Requests that never came back are not fast ones."""
    assert math.inf == percentile([], 0.5)


def test_spread_is_the_median_with_both_ends() -> None:
    """One bad round moves the spread, not the middle."""
    assert Figure(2.0, 1.0, 90.0) == spread([90.0, 1.0, 2.0])
    assert None is spread([])


def test_ratios_are_taken_within_a_round() -> None:
    """A machine that is three times slower in one round changes no ratio."""
    bare = [a_round(100), a_round(300), a_round(200)]
    rows = summary(measured(bare_aiohttp=bare, seatrial=[a_round(150), a_round(450), a_round(320)]))

    assert Figure(1.5, 1.5, 1.6) == rows["cpu_vs_bare"]["seatrial"]
    assert Figure(1.5, 1.5, 1.6) == rows["event_vs_bare"]["seatrial"]
    assert Figure(320.0, 150.0, 450.0) == rows["cpu_us"]["seatrial"]


def test_event_cost_is_per_event() -> None:
    """Two streams of ten events that cost 400 µs together cost 20 µs per event."""
    rows = summary(measured(seatrial=[a_round(20)]))

    assert pytest.approx(20.0) == rows["event_us"]["seatrial"].value


def test_added_latency_is_over_direct() -> None:
    """What the direct way takes in the same round is taken off."""
    rows = summary(
        measured(
            direct=[a_round(0, 1.0), a_round(0, 2.0)], seatrial=[a_round(1, 4.0), a_round(1, 5.5)]
        )
    )

    assert pytest.approx((3.25, 3.0, 3.5)) == tuple(
        getattr(rows["added_p99_ms"]["seatrial"], side) for side in ("value", "low", "high")
    )
    assert "direct" not in rows["added_p99_ms"]
    assert "direct" not in rows["cpu_us"]


def test_an_aim_is_met_missed_or_unknown() -> None:
    """What was not measured is neither met nor missed; a spread across the limit is doubtful."""
    assert "not measured" == LIMIT.mark(None)
    assert "pass" == LIMIT.mark(Figure(1.9, 1.8, 2.0))
    assert "pass ?" == LIMIT.mark(Figure(1.9, 1.8, 2.1))
    assert "MISS ?" == LIMIT.mark(Figure(2.1, 1.9, 2.2))
    assert "MISS" == LIMIT.mark(Figure(2.2, 2.1, 2.3))


def test_every_aim_has_a_row() -> None:
    """An aim that names no row would never be judged."""
    assert {aim.key for aim in AIMS} <= set(summary(measured())) & {row[0] for row in report.ROWS}


def test_table_names_who_is_left_out_and_what_was_missed() -> None:
    """A reader sees the missing contender with its reason, and each aim with its mark."""
    run = measured(bare_aiohttp=[a_round(100)], seatrial=[a_round(250)])
    run.notes["nginx"] = "nginx is not installed"
    text = report.table(run)

    assert "left out: nginx: nginx is not installed" in text
    assert any("against the bare proxy" in line and "MISS" in line for line in text.splitlines())
    assert 2 == report.missed(run)


def test_a_share_of_other_programs_is_said() -> None:
    """Figures of a disturbed run say so; those of a quiet one do not."""
    run = measured(seatrial=[a_round(100)])
    run.others_share = 0.01
    assert "OTHER PROGRAMS" not in report.table(run)

    run.others_share = 0.2
    assert "OTHER PROGRAMS used 20%" in report.table(run)


def test_growth_by_checks_is_one_ratio() -> None:
    """Of seatrial with its checks to seatrial without, round by round; others have none."""
    run = measured(
        seatrial=[a_round(120), a_round(260)],
        no_checks=[a_round(100), a_round(200)],
        no_records=[a_round(100), a_round(100)],
    )
    row = summary(run)["cpu_vs_unchecked"]

    assert {"seatrial"} == row.keys()
    assert (1.2, 1.3) == pytest.approx((row["seatrial"].low, row["seatrial"].high))


def test_each_check_has_its_share() -> None:
    """The cost of each, and what part of a request it is; a letter is another request."""
    run = measured(seatrial=[a_round(200)])
    assert "of a request" not in report.table(run)

    run.checks_us = {"injection": [20.0, 20.0], "injection (letter)": [60.0]}
    lines = [line.split() for line in report.table(run).splitlines()]
    assert ["injection", "20.0", "10.0%"] in lines
    assert ["injection", "(letter)", "60.0", "-"] in lines


def test_errors_are_counted_over_all_rounds() -> None:
    """One wrong reply in any round shows in the table."""
    rows = summary(measured(seatrial=[a_round(1, wrong=1), a_round(1, wrong=2)]))

    assert 3.0 == rows["errors"]["seatrial"].value


def test_json_holds_the_raw_figures_too() -> None:
    """A later reader can make other figures from the same run."""
    known = report.as_json(measured(seatrial=[a_round(100)]))

    assert 100 == known["raw"]["rounds"]["seatrial"][0]["busy"]["requests"]
    assert len(AIMS) == len(known["aims"])

"""Where a gateway's time goes: one contender under load, with a profiler on it.

py-spy (`pip install py-spy`) looks on from outside, hardly disturbs, and sees native
code and all threads; without it cProfile serves, which sees every call of the main
thread and makes small functions look dearer than they are.
"""

import argparse
import asyncio
import cProfile
import io
import pstats
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import Final

import uvloop

from bench import contenders, load
from bench.campaign import Settings, Site, begin_asking, open_site
from bench.processes import Running, free_port, prepare, start

RATE_HZ: Final = 500  # samples a second
SHOWN: Final = 40
ASKING: Final = "app.ask"


def find_py_spy() -> str | None:
    """The py-spy program of this environment or of the system; None when absent."""
    beside = Path(sys.executable).with_name("py-spy")
    return str(beside) if beside.exists() else shutil.which("py-spy")


def ask(running: Running, seconds: float, *, streams: bool) -> str:
    """Put load on a gateway; what it cost, in one line."""
    settings = Settings()

    async def work() -> str:
        if not streams:
            busy = await load.closed_loop(
                running.port,
                running.cpu_ns,
                connections=settings.connections,
                warm_s=settings.warm_s,
                seconds=seconds,
            )
            cost = busy.cpu_ns / max(busy.requests, 1) / 1e3
            return f"{busy.requests} requests, {cost:.1f} µs each, {busy.errors} errors"
        every_s = settings.every_s
        count = max(1, int((seconds - settings.stream_s) / every_s))
        done = await load.streams(
            running.port, running.cpu_ns, count=count, every_s=every_s, at_once=settings.at_once
        )
        cost = done.cpu_ns / (count * settings.events) / 1e3
        return f"{count} streams, {cost:.1f} µs per event, {done.errors} errors"

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work())


def sampled_table(stacks: Sequence[str]) -> str:
    """Shares of samples by function, from py-spy's raw output: own, and with what it called.

    >>> print(sampled_table(["serve (a.py:1);read (b.py:2) 3", "serve (a.py:1) 1"]))
      own %  total %  function
       75.0     75.0  read (b.py)
       25.0    100.0  serve (a.py)
    """
    own: Counter[str] = Counter()
    total: Counter[str] = Counter()
    for line in stacks:
        stack, _, count = line.rpartition(" ")
        frames = [
            _without_line(frame) for frame in stack.split(";") if not frame.startswith("process ")
        ]
        if not frames:
            continue  # a moment outside any Python function
        own[frames[-1]] += int(count)
        for frame in set(frames):
            total[frame] += int(count)
    everything = max(sum(own.values()), 1)
    lines = ["  own %  total %  function"]
    for frame, _ in own.most_common(SHOWN):
        shares = own[frame] / everything * 100, total[frame] / everything * 100
        lines.append(f"{shares[0]:7.1f}  {shares[1]:7.1f}  {frame}")
    return "\n".join(lines)


def _without_line(frame: str) -> str:
    name, colon, rest = frame.rpartition(":")
    return f"{name})" if colon and rest.rstrip(")").isdigit() else frame


def with_py_spy(
    program: str, pid: int, load_it: Callable[[], str], site: Site, options: argparse.Namespace
) -> str:
    """Watch a running process from outside while it is under load."""
    raw = site.folder / "stacks.txt"
    command = [program, "record", "--pid", str(pid), "--format", "raw", "--output", str(raw)]
    command += ["--rate", str(RATE_HZ), "--duration", str(int(options.seconds))]
    command += [
        "--subprocesses",
        "--nonblocking",
        *(["--gil"] if options.gil else []),
        *(["--native"] if options.native else []),
    ]
    watcher = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    cost = load_it()
    _, errors = watcher.communicate(timeout=60)
    if not raw.exists():
        return f"{cost}\npy-spy gave nothing: {errors.decode(errors='replace').strip()}"
    return f"{cost}\n\n{sampled_table(raw.read_text().splitlines())}"


def of_asking(site: Site, py_spy: str | None, options: argparse.Namespace) -> str:
    """Where the time of `app.ask` in process goes."""
    asking = begin_asking(site)
    try:
        if py_spy is None:
            return asking.profile()

        def load_it() -> str:
            end = time.monotonic() + options.seconds + 0.5
            costs = [asking.once()]
            while time.monotonic() < end:
                costs.append(asking.once())
            return f"{median(costs):.1f} µs per call, {len(costs)} slices"

        return with_py_spy(py_spy, asking.pid, load_it, site, options)
    finally:
        asking.stop()


def with_cprofile(running: Running, output: Path, options: argparse.Namespace) -> str:
    """Put a gateway that was started under cProfile under load, end it, read what it wrote."""
    cost = ask(running, options.seconds, streams=options.streams)
    running.process.send_signal(signal.SIGINT)  # an interrupt lets cProfile write its file
    running.process.wait(20)
    text = io.StringIO()
    pstats.Stats(str(output), stream=text).sort_stats("tottime").print_stats(SHOWN)
    return f"{cost} (with the profiler's own cost)\n{text.getvalue()}"


def cprofile_command(command: Sequence[str], output: Path) -> list[str]:
    """The same Python command, under cProfile."""
    words = list(command)
    if words[0] == sys.executable:
        words = words[1:]
    return [sys.executable, "-m", cProfile.__name__, "-o", str(output), *words]


def main() -> None:
    """Profile one contender and print where its time goes."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.profile", description=(__doc__ or "").splitlines()[0]
    )
    names = [name for name in contenders.ALL if name not in (contenders.DIRECT, contenders.NGINX)]
    names.append(ASKING)
    parser.add_argument("name", nargs="?", default=contenders.SEATRIAL, choices=names)
    parser.add_argument("--seconds", type=float, default=10.0, help="how long (default 10)")
    parser.add_argument("--streams", action="store_true", help="paced streams, not whole answers")
    parser.add_argument("--native", action="store_true", help="py-spy: show compiled code too")
    parser.add_argument("--gil", action="store_true", help="py-spy: leave waiting threads out")
    parser.add_argument("--cprofile", action="store_true", help="use cProfile in any case")
    parser.add_argument("--seatrial-command", default=contenders.SEATRIAL_COMMAND)
    options = parser.parse_args()
    py_spy = None if options.cprofile else find_py_spy()
    settings = Settings(seatrial=contenders.Seatrial(options.seatrial_command))
    with ExitStack() as stack:
        site = stack.enter_context(open_site(settings))
        if options.name == ASKING:
            print(of_asking(site, py_spy, options))
            return
        port = free_port()
        plan = contenders.launch(
            options.name, settings.seatrial, folder=site.folder, port=port, upstream=site.upstream
        )
        prepare(plan.prepare, contenders.ROOT)
        output = site.folder / "profile.out"
        command = plan.command if py_spy else cprofile_command(plan.command, output)
        running = start(
            command, port=port, core=site.cores.gateway, log=site.folder / "log",
            folder=contenders.ROOT, probe=plan.probe,
        )  # fmt: skip
        stack.callback(running.stop)
        time.sleep(0.5)
        if py_spy:

            def load_it() -> str:
                return ask(running, options.seconds + 0.5, streams=options.streams)

            print(with_py_spy(py_spy, running.process.pid, load_it, site, options))
        else:
            print(with_cprofile(running, output, options))


if __name__ == "__main__":
    main()

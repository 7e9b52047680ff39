"""The demo in plain lines, where no terminal is: one whenever the weather has changed."""

from typing import Final

from rich.console import Console

from seatrial.cli.demo.run import Voyage
from seatrial.cli.demo.summary import tell_side
from seatrial.cli.demo.weather import Weather

NEWS: Final = {
    Weather.FINE: "fine weather: the model answers",
    Weather.DOWN: "outage: the model refuses connections",
    Weather.UNAVAILABLE: "still out: the model says 503",
    Weather.HANG: "hang: the model takes questions and never answers",
    Weather.BROWN_OUT: "brown-out: the model is slow and turns some away",
}


class Progress:
    """Writes what happened since the last line, when the weather turns."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._last: Weather | None = None

    def look(self, voyage: Voyage) -> None:
        """Write a line if there is news."""
        if voyage.weather is self._last:
            return
        if self._last is not None:
            for name, tally in (
                ("straight to the model", voyage.straight),
                ("through Seatrial", voyage.through),
            ):
                self._console.print(f"         {name}, so far: {tell_side(tally)}")
        self._last = voyage.weather
        self._console.print(f"{voyage.elapsed_s:5.1f} s  {NEWS[voyage.weather]}")

"""A share with its interval."""

from dataclasses import dataclass
from math import sqrt


@dataclass(frozen=True)
class Share:
    """A count of a count, with Wilson's interval at 95 %."""

    hits: int
    of: int

    @property
    def share(self) -> float:
        return self.hits / self.of if self.of else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson (1927): the shares that the count does not speak against."""
        if not self.of:
            return 0.0, 1.0
        z2 = 1.959964**2
        middle = (self.hits + z2 / 2) / (self.of + z2)
        half = sqrt(z2 * (self.hits * (self.of - self.hits) / self.of + z2 / 4)) / (self.of + z2)
        return max(0.0, middle - half), min(1.0, middle + half)

    def __str__(self) -> str:
        low, high = self.interval
        return f"{self.hits}/{self.of} = {self.share:.1%} [{low:.1%}, {high:.1%}]"

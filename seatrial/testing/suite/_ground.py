"""The ground of a trial: the upstreams, and what stands between them and the callers."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from seatrial.testing.process import GatewayProcess
from seatrial.testing.suite._cases import Case, Target
from seatrial.testing.upstream._plan import ANTHROPIC
from seatrial.testing.upstream._server import FaultyUpstream

LIFETIME_S: Final = 1800.0


@dataclass(frozen=True, slots=True)
class Ground:
    """The upstreams of one run.

    Args:
        primary: has the faults.
        fallback: is healthy.
        refusing: is healthy until it is told to refuse connections.
    """

    primary: FaultyUpstream
    fallback: FaultyUpstream
    refusing: FaultyUpstream

    def base_url(self, at: str, dialect: str) -> str:
        """Give the address of an upstream as a target of that dialect wants it."""
        upstream = self.refusing if at == "refusing" else self.primary
        return upstream.url if dialect == ANTHROPIC else upstream.base_url


class Subject(Protocol):
    """What is under test: an address, and how a case is asked for there."""

    @property
    def name(self) -> str:
        """Give what people call it."""

    @property
    def url(self) -> str:
        """Give its address with the `/v1`."""

    def model_of(self, case: Case) -> str:
        """Give the model that asks for a case; empty where it cannot be asked."""


@contextmanager
def ground(*, seed: int = 0, primary_port: int = 0, fallback_port: int = 0) -> Iterator[Ground]:
    """Run the upstreams, each in a thread of its own."""
    with ExitStack() as stack:
        made = [
            stack.enter_context(
                FaultyUpstream(seed=seed + place, port=port, name=name, max_s=LIFETIME_S)
            )
            for place, (name, port) in enumerate(
                (("primary", primary_port), ("fallback", fallback_port), ("refusing", 0))
            )
        ]
        yield Ground(*made)


@dataclass(frozen=True, slots=True)
class Address:
    """Anything that listens already.

    Args:
        url: with its `/v1`.
        by_fault: whether the model's name reaches the primary as it is; else the gateway has a
            feature for each case.
    """

    url: str
    by_fault: bool
    name: str = "gateway"

    def model_of(self, case: Case) -> str:
        """Give the fault's own name, or the feature's."""
        if not self.by_fault:
            return case.feature
        # Callers speak the OpenAI dialect: without a gateway only that one can be shown.
        return "" if case.dialect == ANTHROPIC else case.model


@contextmanager
def own_gateway(
    here: Ground, wanted: Sequence[Target], *, deadline_s: float, store: str = ""
) -> Iterator[Address]:
    """Run `seatrial serve` with a feature for each of these."""
    with tempfile.TemporaryDirectory(prefix="seatrial-suite-") as folder:
        config = Path(folder) / "seatrial.toml"
        text = configuration(here, wanted, deadline_s=deadline_s, store=store)
        config.write_text(text, encoding="utf-8")
        with GatewayProcess(config) as process:
            yield Address(process.url, by_fault=False, name="seatrial")


def configuration(
    here: Ground, wanted: Sequence[Target], *, deadline_s: float, store: str = ""
) -> str:
    """Write the file with which `seatrial serve` has a feature for each of these."""
    parts = [
        f'[service]\nlisten = "127.0.0.1:0"\nstore = "{store or "sqlite:records.db"}"\n',
        f'[targets.healthy]\nprovider = "openai"\nbase_url = "{here.fallback.base_url}"\n',
        'model = "healthy-1"\n',
    ]
    for target in wanted:
        parts.append(
            f'[targets.to-{target.feature}]\nprovider = "{target.dialect}"\n'
            f'model = "{target.model}"\n'
            f'base_url = "{here.base_url(target.at, target.dialect)}"\n'
        )
        parts.append(
            f'[features.{target.feature}]\nroute = ["to-{target.feature}", "healthy"]\n'
            f"[features.{target.feature}.requirements]\ndeadline_s = {deadline_s:g}\n"
        )
    return "\n".join(parts)

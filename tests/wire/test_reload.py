"""The configuration changes under load: whole or not at all, and nobody notices."""

from __future__ import annotations

from pathlib import Path

import pytest

from seatrial.testing.crash import Ward, reload_cycles
from seatrial.testing.upstream import FaultyUpstream

pytestmark = [pytest.mark.wire]


def test_reload_disturbs_nobody(tmp_path: Path) -> None:
    """Broken files are refused with the reason, in the log and by `/readyz`; the old one stays."""
    with FaultyUpstream(gap_s=0.002) as upstream:
        report = reload_cycles(Ward(tmp_path, upstream), cycles=10, broken_every=2)

    assert report.passed, report.as_text()
    assert {"loaded": 5, "rejected": 5} == report.facts


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_hundred_reloads(tmp_path: Path) -> None:
    """Ten of them broken."""
    with FaultyUpstream(gap_s=0.002) as upstream:
        report = reload_cycles(Ward(tmp_path, upstream), cycles=100)

    assert report.passed, report.as_text()
    assert {"loaded": 90, "rejected": 10} == report.facts

"""What every test may ask for."""

import pytest
from hypothesis import settings

# A shared machine is slow at odd moments: no example fails for that. The same examples on every run.
settings.register_profile("house", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("house")


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Run `@pytest.mark.anyio` tests on asyncio, the loop that `seatrial serve` uses."""
    return "asyncio"

"""What every test may ask for."""

import pytest
from hypothesis import settings

# No example fails because the machine was busy, and every run tries the same ones.
settings.register_profile("house", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("house")


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Run `@pytest.mark.anyio` tests on asyncio, the loop that `seatrial serve` uses."""
    return "asyncio"

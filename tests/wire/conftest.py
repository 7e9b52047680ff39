"""What trials with real processes may ask for."""

# The same servers as the stores' own tests.
from tests.conformance.conftest import postgres, postgres_address

__all__ = ["postgres", "postgres_address"]

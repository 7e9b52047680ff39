"""Seatrial takes an AI experiment into reliable service, and stays aboard."""

__all__ = ["__version__"]

__version__ = "0.1.0"

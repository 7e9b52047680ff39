"""Frozen things that travel between the rooms."""

"""Carries out one request: awaits the ports, knows no adapter."""

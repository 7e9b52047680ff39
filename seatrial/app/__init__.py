"""The waist: reads the configuration, builds the world, joins the rooms.

Only this package knows everyone; the doors know only this package.
"""

from seatrial.app.face import Readiness, Seatrial, config_schema
from seatrial.app.wiring import Outside

__all__ = [
    "Outside",
    "Readiness",
    "Seatrial",
    "budgeting",
    "calling",
    "config_schema",
    "face",
    "languages",
    "lookup",
    "running",
    "spending",
    "tally",
    "trying",
    "wiring",
]

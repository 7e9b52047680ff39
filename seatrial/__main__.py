"""`python -m seatrial`: the same as the command `seatrial`."""

from seatrial.cli import main

main()

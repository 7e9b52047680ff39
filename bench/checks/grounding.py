"""How well grounding is checked, on cases built with known answers.

The floors were written down before the first measurement.
"""

RECALL_FLOOR = 0.90  # of the answers with one planted fault, over all kinds
KIND_FLOOR = 0.80  # of those of one kind: number, name, date, citation, quote
FALSE_FLOOR = 0.10  # of the faithful answers, at most

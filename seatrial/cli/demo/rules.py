"""The demo's second tier: keyword rules, as a shop had them before it had a model.

Instant and never down, and right less often than the experiment.
"""

import re
from functools import cache
from typing import Final

from seatrial.cli.demo.experiment import UNSURE_TEXT
from seatrial.cli.demo.questions import NONE, load_questions

# The first match wins, so what is rare and clear stands before what is common and vague.
RULES: Final = tuple(
    (re.compile(rf"\b(?:{words})", re.IGNORECASE), intent)
    for words, intent in (
        ("password|log ?in|sign in|account", "login"),
        ("voucher|gift card|promo|discount|coupon|code", "voucher"),
        ("invoice|receipt|vat\\b|bill\\b", "invoice"),
        ("refund|money back", "refund_status"),
        ("cancel", "cancel_order"),
        ("return|send back|exchange", "return_item"),
        ("damaged|cracked|smashed|dent|arrived broken", "damaged_item"),
        ("wrong item|missing", "wrong_item"),
        ("guarantee|warranty|repair|engineer|stopped working", "repair"),
        ("card|payment|paypal|charged|pay\\b", "payment_problem"),
        ("manual|install|instructions", "setup"),
        ("stock|available|sell", "stock"),
        ("address|reschedule", "change_delivery"),
        ("shipping|postage|deliver", "delivery_options"),
        ("phone|human|person|speak|call", "person"),
        ("order|parcel|track", "order_status"),
    )
)


def rules_intent(question: str) -> str:
    """Name the intent of the first rule that matches, or `NONE`.

    >>> rules_intent("I lost my receipt")
    'invoice'
    """
    return next((intent for words, intent in RULES if words.search(question)), NONE)


def rules_answer(question: str) -> str:
    """Answer with the fixed text of the first rule that matches; instant, and never raises."""
    return _answers().get(rules_intent(question), UNSURE_TEXT)


@cache
def _answers() -> dict[str, str]:
    return dict(load_questions().answers)

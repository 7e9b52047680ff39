"""What customers write and what they are answered: no two of the first hundreds are the same.

Who checks texts could remember one that comes again; here only the system prompt does.  All are
drawn by a seed, so that every contender and every run gets the same ones.
"""

import random
from typing import Final

_CHARS: Final = 720  # of a letter, about
_REPLY_CHARS: Final = 600
_ASKED: Final = (
    "I was charged twice for order {number} last week, once on the card and once on the account.",
    "The shop says that it took one payment only.",
    "Which of the two is right, and how long does a refund take?",
    "My parcel {number} was handed over to the courier on {day}, but nobody came to the door.",
    "There was no card in the letterbox, and the neighbours have not seen it either.",
    "Could you please tell me what happened, and whether I can get a replacement?",
    "I would prefer a smaller size if you still have one.",
    "The invoice for {month} shows a fee of {amount} euros that I cannot explain.",
    "Is this the yearly price, or did somebody change my plan without asking me?",
    "I moved to another town in {month} and the old address is still on every letter.",
    "How do I change it, and do you need a copy of my new contract?",
    "The app asks for a code, but the message never arrives on my phone.",
    "I have tried it four times since {day}, also with another network.",
    "My sister bought the same lamp and paid {amount} euros less than I did.",
    "Does the difference come from the voucher, or was there a sale?",
    "The direct debit of {day} was returned although there was enough money on the account.",
    "My bank says that the mandate {number} is unknown to them.",
    "Please book the amount again, and leave out the reminder fee.",
    "The machine makes a loud noise when it spins, and it stops after ten minutes.",
    "It is still under warranty, as I bought it in {month} of last year.",
    "Can somebody come and look at it, or should I send it in?",
    "I am at home most mornings, except on {day}, when I work until late.",
    "You can also call me; I think that you have my number from last time.",
    "I would like to cancel the subscription at the end of {month}.",
    "What happens to the points that I have collected so far?",
    "The colour on the picture is green, but what came is clearly blue.",
    "I have put it back into its box and kept the receipt {number}.",
    "Who pays for sending it back, and where do I get the label?",
    "We booked a table for six on {day}, and only now saw that it is for four.",
    "One of us needs a place for a wheelchair close to the door.",
    "Since the last update the list of my orders is empty.",
    "On the website I can see all of them, so they are not lost.",
    "Is it true that deliveries to the islands take {amount} days longer?",
    "I do not mind waiting, but the present is for a birthday in {month}.",
    "Thank you for your help, and have a nice weekend.",
    "I have been a customer for eleven years and never had to complain before.",
)  # fmt: skip
_ANSWERED: Final = (
    "One of the two lines is a reservation: it is not a payment and falls away by itself.",
    "The other one is the payment for order {number}.",
    "If both still stand on {day}, send us the statement and we will return the second amount.",
    "We have opened a search with the courier, which takes up to three working days.",
    "If the parcel does not turn up, we send a replacement at no cost.",
    "The fee of {amount} euros belongs to the plan that began in {month}.",
    "You can change the address under your profile; no papers are needed.",
    "The code comes from another number since {month}, and some phones keep it back.",
    "Look into the folder for unknown senders, or ask for a letter with a code.",
    "The lower price was a sale that ended on {day}, and we give you the difference as a credit.",
    "We have asked your bank for the reason, and the reminder fee is gone.",
    "A mechanic has time on {day} between eight and twelve.",
    "Until then please leave the machine switched off.",
    "Your subscription ends with {month}; the points stay valid for a year after that.",
    "The label is in the box, and sending it back costs you nothing.",
    "The amount of {amount} euros is on your card within five working days.",
    "We have moved your booking to the round table beside the door.",
    "The list is back with the version of {day}, which your phone offers by itself.",
    "Deliveries to the islands leave twice a week, on Tuesday and on {day}.",
    "For order {number} this means that it arrives in time.",
    "Should anything be missing, answer this message and we look at it the same day.",
)  # fmt: skip
_DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
_MONTHS: Final = ("January", "March", "April", "June", "August", "September", "November")


def letter(number: int, chars: int = _CHARS) -> str:
    """What one customer writes, of about `chars` characters; the same for the same number."""
    return _written(random.Random(number), _ASKED, chars)


def reply(number: int, chars: int = _REPLY_CHARS) -> str:
    """What one of them is answered."""
    return f"Thank you. {_written(random.Random(-1 - number), _ANSWERED, chars)}"


def _written(dice: random.Random, sentences: tuple[str, ...], chars: int) -> str:
    said: list[str] = []
    left: list[str] = []
    while sum(map(len, said)) + len(said) < chars:
        left = left or dice.sample(sentences, len(sentences))
        said.append(
            left.pop().format(
                number=dice.randrange(10_000, 100_000),
                day=dice.choice(_DAYS),
                month=dice.choice(_MONTHS),
                amount=dice.randrange(3, 60),
            )
        )
    return " ".join(said)

"""`POST /v1/embeddings`: vectors for texts, through the same engine as answers."""

from __future__ import annotations

from base64 import b64encode
from typing import Any, Final

from seatrial.gateway.exchange import Exchange
from seatrial.gateway.faults import show_refused
from seatrial.gateway.fields import (
    Ask,
    bad,
    metadata_of,
    read_object,
    take_feature,
    user_of,
)
from seatrial.gateway.openai_out import encode
from seatrial.gateway.settings import DoorSettings
from seatrial.gateway.talk import admit, answer_whole, with_key
from seatrial.values.chat import Answer
from seatrial.values.decisions import Head, Refused
from seatrial.values.requests import EMBED
from seatrial.values.vectors import unpack

_STANDARD: Final = frozenset("dimensions encoding_format input metadata model user".split())
_FORMATS: Final = frozenset({"float", "base64"})
_MOST_TEXTS: Final = 2048  # as OpenAI's own


async def embeddings(exchange: Exchange) -> None:
    """Return a vector for each text."""
    raw = await exchange.body()
    ask = await exchange.apart(len(raw), read_embeddings, raw, exchange.settings)
    request = admit(exchange, ask)
    if isinstance(request, Refused):
        await exchange.fail(show_refused(request))
        return
    if b"idempotency-key" in exchange.found:
        request = await with_key(exchange, request, raw)
    await answer_whole(exchange, request, lambda _id, _created: VectorWriter(ask))


def read_embeddings(raw: bytes, settings: DoorSettings) -> Ask:
    """Return the request in `raw`; its `input` is a list, whatever the caller sent.

    Raises:
        Fault: it is not well formed; `param` names the offending part.
    """
    body = read_object(raw, settings, _STANDARD)
    feature = take_feature(body)
    form = body.pop("encoding_format", None)
    if form is not None and (type(form) is not str or form not in _FORMATS):
        raise bad("encoding_format", "'encoding_format' must be float or base64.")
    dimensions = body.get("dimensions")
    if dimensions is None:
        body.pop("dimensions", None)
    elif type(dimensions) is not int or dimensions < 1:
        raise bad("dimensions", "'dimensions' must be a whole number from 1.")
    variables, user = metadata_of(body), user_of(body)
    body.pop("metadata", None)
    body["input"] = _texts(body.get("input"))
    return Ask(
        feature=feature,
        body=body,
        stream=False,
        include_usage=True,
        variables=variables,
        user=user,
        echo={"encoding_format": form or "float"},
        kind=EMBED,
    )


def _texts(given: object) -> list[Any]:
    """Return what is to be embedded as a list: texts, or the numbers of tokens of each."""
    if type(given) is str or _is_tokens(given):
        given = [given]
    if type(given) is not list or not given:
        raise bad("input", "'input' must be a text or a list of at least one.")
    if len(given) > _MOST_TEXTS:
        raise bad("input", f"'input' has {len(given)} texts; at most {_MOST_TEXTS} are taken.")
    for place, each in enumerate(given):
        if (type(each) is str and each) or _is_tokens(each):
            continue
        raise bad(
            f"input[{place}]", f"'input[{place}]' must be a text that is not empty, or tokens."
        )
    return given


def _is_tokens(given: object) -> bool:
    return type(given) is list and bool(given) and all(type(each) is int for each in given)


class VectorWriter:
    """Writes a list of vectors; nothing of it streams."""

    def __init__(self, ask: Ask) -> None:
        self._model = ask.feature
        self._in_base64 = ask.echo["encoding_format"] == "base64"

    def whole(self, answer: Answer, head: Head) -> bytes:
        """Return the list."""
        read = answer.usage.all_input_tokens if answer.usage else 0
        data = [
            {"object": "embedding", "index": index, "embedding": self._shown(vector)}
            for index, vector in enumerate(answer.vectors)
        ]
        return encode(
            {
                "object": "list",
                "data": data,
                "model": answer.model or head.model or self._model,
                "usage": {"prompt_tokens": read, "total_tokens": read},
            }
        )

    def _shown(self, vector: bytes) -> Any:
        return b64encode(vector).decode("ascii") if self._in_base64 else unpack(vector)

"""The one encoding of records: MessagePack, made once, read by journal and store."""

from __future__ import annotations

from typing import Any

import msgspec

from seatrial.values.records import Record


def _plain(value: Any) -> Any:
    """Write what a Python function put into an answer and MessagePack does not know."""
    return repr(value)


_encoder = msgspec.msgpack.Encoder(enc_hook=_plain)
_decoder = msgspec.msgpack.Decoder(Record)


def seal(record: Record) -> bytes:
    """Return the record's encoding."""
    return _encoder.encode(record)


def unseal(blob: bytes) -> Record:
    """Return the record from its encoding; raise msgspec.DecodeError on anything else."""
    return _decoder.decode(blob)

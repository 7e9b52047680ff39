"""The bytes of the benchmark: requests and answers of about 1 kB, and one stream.

Both ends share them, so that nobody spends time on making or checking content.
"""

import json
from functools import cache
from typing import Final

from bench import letters

PATH: Final = "/v1/chat/completions"
FIRST_TOKEN: Final = b"Thank"  # what a stream's first useful event holds
FEATURE: Final = "bench"  # what `model` names; the stub does not care

VARIETY: Final = 512  # requests that differ in what the customer writes, and half as many answers


def _packed(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def request_body(number: int = 0, *, stream: bool) -> bytes:
    """The JSON of one request, about 1 kB, streamed or whole; each number asks something else."""
    body = {
        "model": FEATURE,
        "messages": [
            {
                "role": "system",
                "content": "You answer customers' billing questions in two sentences.",
            },
            {"role": "user", "content": letters.letter(number)},
        ],
        "temperature": 0.2,
        "max_tokens": 256,
        "user": "customer-20871",
        "stream": stream,
    }
    return _packed(body)


def answer_body(number: int = 0) -> bytes:
    """The JSON of one whole answer, about 1 kB, as a provider would send it."""
    message = {"role": "assistant", "content": letters.reply(number), "refusal": None}
    body = {
        "id": "chatcmpl-bench00000000000000000001",
        "object": "chat.completion",
        "created": 1_760_000_000,
        "model": "stub-1",
        "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 156, "completion_tokens": 121, "total_tokens": 277},
        "system_fingerprint": "fp_bench",
    }
    return _packed(body)


def stream_events(events: int) -> list[bytes]:
    """The `events` server-sent events of one answer; the last one says `[DONE]`.

    Args:
        events: how many, `[DONE]` included; at least 3.
    """
    deltas: list[tuple[dict[str, str], str | None]] = [
        ({"role": "assistant", "content": FIRST_TOKEN.decode()}, None)
    ]
    deltas += [({"content": f" word{number}"}, None) for number in range(events - 3)]
    deltas.append(({}, "stop"))
    lines = [
        {
            "id": "chatcmpl-bench00000000000000000001",
            "object": "chat.completion.chunk",
            "created": 1_760_000_000,
            "model": "stub-1",
            "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
        }
        for delta, finish in deltas
    ]
    return [b"data: " + _packed(line) + b"\n\n" for line in lines] + [b"data: [DONE]\n\n"]


@cache
def http_requests(*, stream: bool) -> tuple[bytes, ...]:
    """All requests, to be sent in turn."""
    return tuple(http_request(number, stream=stream) for number in range(VARIETY))


def http_request(number: int = 0, *, stream: bool) -> bytes:
    """One whole HTTP request, ready to be written to a connection."""
    body = request_body(number, stream=stream)
    head = (
        f"POST {PATH} HTTP/1.1\r\nhost: 127.0.0.1\r\nuser-agent: bench\r\naccept: */*\r\n"
        f"authorization: Bearer bench\r\ncontent-type: application/json\r\n"
        f"content-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def wants_stream(body: bytes) -> bool:
    """True when a request asks for a stream, found without decoding it."""
    return b'"stream":true' in body or b'"stream": true' in body


def content_length(head: bytes | bytearray) -> int | None:
    """The declared length of a message in bytes, or None when its head states none.

    >>> content_length(b"Content-Length: 12")
    12
    """
    lowered = head.lower()
    at = lowered.find(b"content-length:")
    if at < 0:
        return None
    end = lowered.find(b"\r\n", at)
    return int(lowered[at + 15 : end if end >= 0 else len(lowered)])

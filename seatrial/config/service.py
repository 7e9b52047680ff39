"""Settings of the process: where it listens, what it keeps, how large a request may be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class ServiceSettings:
    """The section [service].

    Args:
        listen: host and port of the gateway; port 0 takes any free one.
        store: where records live: `sqlite:FILE`, `postgresql://…`, or a reference to such
            an address (`env:NAME`, `file:PATH`), which is where one with a password belongs.
        counters: what all processes that serve together count in: `valkey://host:6379/0`,
            `valkeys://…` with TLS, `unix:///path`, or a reference to such an address; empty
            when one process serves alone.
        max_in_flight: requests that are answered at once; left out, it is 1024 or, where the
            event loop does not keep up with so many, learnt.
        max_memory_bytes: of the process, above which requests are refused; left out, there
            is no bound.
        journal: folder for what the store has not taken yet.
        drain_s: how long a stopping server lets running requests finish.
        max_body_bytes: of a request.
        max_bodies_bytes: of all requests above 64 KiB that are in hand at once, together;
            more are refused.  A request needs several times its size while it is answered.
        max_header_bytes: of a request's headers together.
        max_depth: of a request's JSON: objects and lists within each other.
        max_nodes: of a request's JSON: values in all.
        retention_days: how long records are kept.  The EU's AI Act asks providers and
            deployers of high-risk systems for six months at least.
        record_content: whether records hold what was asked and answered, or only figures.
        keys: `required` asks every caller for an API key; `auto` does so once there is a key,
            and wherever the gateway can be reached from other machines.
        log: `pretty` for people, `json` for machines, `auto` for what the output is.
        reload: whether a running server takes up changes of this file.
    """

    listen: str = "127.0.0.1:8080"
    store: str = "sqlite:seatrial.db"
    counters: str = ""
    max_in_flight: int | None = None
    max_memory_bytes: int | None = None
    journal: str = ".seatrial/journal"
    drain_s: float = 30.0
    max_body_bytes: int = 10 * 1024 * 1024
    max_bodies_bytes: int = 128 * 1024 * 1024
    max_header_bytes: int = 16 * 1024
    max_depth: int = 64
    max_nodes: int = 200_000
    retention_days: int = 180
    record_content: bool = True
    keys: Literal["auto", "required"] = "auto"
    log: Literal["auto", "pretty", "json"] = "auto"
    reload: bool = True

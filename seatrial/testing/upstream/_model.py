"""The model behind the faulty upstream: from a request to the steps of its reply.  No sockets."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Final

from seatrial.testing.upstream import _embeddings
from seatrial.testing.upstream import _speak as speak
from seatrial.testing.upstream._anthropic import Anthropic
from seatrial.testing.upstream._asks import PATHS, good_reply, read_ask
from seatrial.testing.upstream._faults import Strike, UnknownFault, strike_of
from seatrial.testing.upstream._log import Entry
from seatrial.testing.upstream._openai import OpenAI
from seatrial.testing.upstream._plan import (
    OPENAI,
    Ask,
    Dialect,
    Exchange,
    Param,
    Reply,
    Send,
    Step,
    Then,
)
from seatrial.testing.upstream._schedule import Buckets, Rule, choose
from seatrial.testing.upstream._wire import Incoming

DIALECTS: Final[Mapping[str, Dialect]] = {"openai": OpenAI(), "anthropic": Anthropic()}


@dataclass(frozen=True, slots=True)
class Manner:
    """How the model answers when nothing is wrong.

    Args:
        seed: of all dice.
        name: begins the id of every answer.
        words: in an answer.
        gap_s: between tokens.
        max_requests: after which it answers 503.
        keys: digests of the credentials it accepts; none means all.
        models: that it lists.
    """

    seed: int
    name: str
    words: int
    gap_s: float
    max_requests: int
    keys: frozenset[str]
    models: tuple[str, ...]


class FaultyModel:
    """Decides what each request gets, by the schedule in force."""

    def __init__(self, manner: Manner, *, wall: Callable[[], float] = time.time) -> None:
        self._manner = manner
        self._wall = wall
        self._buckets = Buckets()
        self._set_at_s = 0.0
        self._set_at_number = 0
        self.rules: tuple[Rule, ...] = ()

    def schedule(self, rules: Sequence[Rule], *, now_s: float, number: int) -> None:
        """Set the faults for requests from `number` on; windows count from `now_s`."""
        self._set_at_s, self._set_at_number = now_s, number
        self._buckets.clear()
        self.rules = tuple(rules)

    def outage(
        self, fault: str, params: Mapping[str, Param], *, now_s: float, for_s: float
    ) -> None:
        """Put one fault before all rules for a while."""
        strike_of(fault, params)
        begins_s = now_s - self._set_at_s
        left = (rule for rule in self.rules if rule.to_s > begins_s)
        self.rules = (Rule(fault, params, from_s=begins_s, to_s=begins_s + for_s), *left)

    def steps(self, incoming: Incoming, entry: Entry, *, url: str, now_s: float) -> Iterator[Step]:
        """Give the reply to one request, and note in the log's entry what was decided."""
        path = incoming.path.partition("?")[0]
        if incoming.method == "GET" and path == "/v1/models":
            return _plain(200, self._listed())
        if path not in {*PATHS, _embeddings.PATH} or incoming.method != "POST":
            missing = f"There is no {incoming.method} {path}."
            return _plain(404, DIALECTS["openai"].error(404, missing, None))
        dialect = DIALECTS[PATHS.get(path, OPENAI)]
        if self._manner.keys and entry.key not in self._manner.keys:
            return _plain(401, dialect.error(401, "Unknown key.", "invalid_api_key"))
        if entry.number >= self._manner.max_requests:
            return _plain(503, dialect.error(503, "Enough requests.", None))
        if path == _embeddings.PATH:
            read = _embeddings.read_embeddings(incoming.body, key=entry.key)
            ask, dialect = (read, dialect) if isinstance(read, str) else read
        else:
            ask = read_ask(path, incoming.body, key=entry.key)
        if isinstance(ask, str):
            return _plain(400, dialect.error(400, ask, None))
        entry.model, entry.streamed, entry.question = ask.model, ask.streamed, ask.question[:200]
        return self._struck(ask, dialect, entry, url=url, now_s=now_s)

    def _struck(
        self, ask: Ask, dialect: Dialect, entry: Entry, *, url: str, now_s: float
    ) -> Iterator[Step]:
        """Fold the faults of this request around the good answer."""
        die = Random(f"{self._manner.seed}/{entry.number}")
        since_s = now_s - self._set_at_s
        number = entry.number - self._set_at_number
        try:
            strikes = choose(self.rules, ask, number=number, now_s=since_s, die=die)
        except UnknownFault as problem:
            return _plain(404, dialect.error(404, str(problem), "model_not_found"))
        entry.fault = "+".join(map(str, strikes))
        entry.answer_id = f"{self._manner.name}-{entry.number}"
        self._buckets.tick(now_s)
        wall_s = self._wall()
        somebody = replace(ask, question=f"somebody else's question {entry.number}")
        exchange = Exchange(
            ask=ask,
            reply=self._good(ask, entry.answer_id, wall_s),
            other=self._good(somebody, f"{entry.answer_id}-other", wall_s),
            dialect=dialect,
            draw=die,
            limiter=self._buckets,
            url=url,
            now_s=since_s,
            wall_s=wall_s,
            gap_s=self._manner.gap_s,
        )
        then: Then = speak.good
        for strike in reversed(strikes):
            then = _before(strike, then)
        return then(exchange)

    def _good(self, ask: Ask, reply_id: str, wall_s: float) -> Reply:
        return good_reply(ask, reply_id=reply_id, words=self._manner.words, created=int(wall_s))

    def _listed(self) -> dict[str, object]:
        owner = self._manner.name
        listed = [
            {"id": model, "object": "model", "created": 0, "owned_by": owner}
            for model in self._manner.models
        ]
        return {"object": "list", "data": listed}


def _before(strike: Strike, then: Then) -> Then:
    def steps(exchange: Exchange) -> Iterator[Step]:
        return strike.fault.plan(replace(exchange, params=strike.params), then)

    return steps


def _plain(status: int, data: Mapping[str, object]) -> Iterator[Step]:
    made = json.dumps(data).encode()
    headers = {"content-type": speak.JSON_TYPE, "content-length": str(len(made))}
    return iter([Send(speak.head(status, headers) + made)])

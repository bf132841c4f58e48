"""Asks the provider: retries, what servers do not understand, and what may be spent."""

from __future__ import annotations

import math
import os
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from intent_tool.language.diagnostics import IntentError, error
from intent_tool.propose.ai.exchange import MOST_SHOWN, Exchange, Stopped, Unanswered
from intent_tool.propose.ai.provider import SETUP, Provider

if TYPE_CHECKING:
    from requests import Session

ATTEMPTS = 6
FIRST_WAIT, LONGEST_WAIT = 0.5, 30.0
"""Seconds before the second attempt, doubled each time; and at most."""
LONGEST_ASKED_WAIT = 300.0
"""A server that wants more patience than this gets none."""
CHARACTERS_A_TOKEN = 3.0
"""Where nobody counts. Text has more, so this errs on the expensive side."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked for. `schema` and `grammar` prescribe the form; servers that can follow neither get the text,
    which says the same."""

    system: str
    user: str
    temperature: float
    schema: dict[str, Any] | None = None
    grammar: str | None = None
    grammar_tokens: int | None = None
    """The most that an answer under the grammar can need."""


@dataclass(frozen=True, slots=True)
class Answer:
    text: str
    is_cut: bool
    """It ended because it got too long."""
    tokens_in: int
    tokens_out: int
    cost: float | None
    """US dollars; None where the price is not known."""
    seconds: float


@dataclass(slots=True)
class Spent:
    """By one intent on one target, or by a whole run."""

    tokens: int = 0
    cost: float = 0.0

    def add(self, tokens: int, cost: float | None) -> None:
        self.tokens += tokens
        self.cost += cost or 0.0


Progress = Callable[[int, float], None]
"""Is told tokens and seconds while an answer comes in."""


@dataclass(slots=True)
class Client:
    """One for a whole run, shared by its threads."""

    provider: Provider
    first_wait: float = FIRST_WAIT
    spent: Spent = field(default_factory=Spent)
    stop: threading.Event = field(default_factory=threading.Event)
    """Set, it ends all that is under way."""
    _session: Session | None = None
    _refused: set[str] = field(default_factory=set)
    """Parameters that the server does not take."""
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _lost: IntentError | None = None
    """Why nobody is asked any more: what the last attempts came to, all of one question's."""

    def ask(self, question: Question, spent: Spent, progress: Progress | None = None) -> Answer:
        """The answer, at most `ATTEMPTS` requests later. Raises `IntentError`: E951 when there is none, E952 when
        that would cost more than is allowed. `spent` is what this intent has cost so far."""
        wait, attempt = self.first_wait, 1
        if self._lost is not None:
            raise self._lost
        while True:
            self._require_budget(spent)
            try:
                self._prepare()
                body = self._body(question, spent)
                return self._attempt(question, body, spent, progress)
            except Stopped:
                raise error("E951", "the AI provider was not waited for: the run was stopped") from None
            except Unanswered as failure:
                if failure.parameter is not None and self._give_up(failure.parameter, body):
                    continue
                why = str(failure)
                if failure.wait is not None and failure.wait > LONGEST_ASKED_WAIT:
                    raise self._no_answer(f"{why}; it asks to wait for {failure.wait:.0f} s") from None
                if not failure.retry or attempt == ATTEMPTS:
                    found = self._no_answer(why + (f", {attempt} times" if attempt > 1 else ""))
                    # A run that asks for hundreds of intents need not wait hundreds of times.
                    self._lost = found if failure.retry else None
                    raise found from None
                pause = failure.wait if failure.wait is not None else wait * random.uniform(0.5, 1.0)
            wait, attempt = min(LONGEST_WAIT, 2 * wait), attempt + 1
            if self.stop.wait(pause):
                raise error("E951", "the AI provider was not waited for: the run was stopped")

    def _prepare(self) -> None:
        """The first time, find out what only the server can tell."""
        with self._lock:
            if self._session is not None:
                return
            import requests

            session = requests.Session()
            # Where a redirect leads is said, not looked up: that would read its body, however long it is.
            session.get_redirect_target = lambda resp: None  # type: ignore[method-assign]
            if self.provider.is_local:
                # A proxy would not find it.
                session.trust_env = False
                session.verify = os.environ.get("REQUESTS_CA_BUNDLE") or True
            if not self.provider.model or self.provider.shape == "unknown":
                models = Exchange(session, self.provider, self.stop).get("/models", 10.0)
                self.provider = _completed(self.provider, models)
            self._session = session

    def _attempt(self, question: Question, body: dict[str, Any], spent: Spent, progress: Progress | None) -> Answer:
        assert self._session is not None
        exchange = Exchange(self._session, self.provider, self.stop)
        start = time.monotonic()
        text, thought, finish = "", 0, ""
        tokens_in, tokens_out = (None, None)
        try:
            for piece in exchange.pieces(body):
                text += piece.text
                thought += piece.thought
                finish = piece.finish or finish
                tokens_in = tokens_in if piece.tokens_in is None else piece.tokens_in
                tokens_out = tokens_out if piece.tokens_out is None else piece.tokens_out
                if progress is not None:
                    progress(tokens_out or _tokens(len(text) + thought), time.monotonic() - start)
        finally:
            # What was asked is paid for, whatever came of it.
            asked = _tokens(len(question.system) + len(question.user)) if tokens_in is None else tokens_in
            given = _tokens(len(text) + thought) if tokens_out is None else tokens_out
            if text or thought or tokens_in is not None:
                cost = self._cost(asked, given)
                with self._lock:
                    spent.add(asked + given, cost)
                    self.spent.add(asked + given, cost)
        return Answer(self.provider.key.hidden_in(text), finish == "length", asked, given, self._cost(asked, given),
                      time.monotonic() - start)

    def _cost(self, asked: int, given: int) -> float | None:
        price = self.provider.price
        return None if price is None else (asked * price[0] + given * price[1]) / 1e6

    def _require_budget(self, spent: Spent) -> None:
        limits = self.provider.limits
        with self._lock:
            for used, limit, variable, what in (
                    (spent.tokens, limits.tokens, "INTENT_AI_TOKENS", "tokens for one intent and target"),
                    (self.spent.tokens, limits.run_tokens, "INTENT_AI_RUN_TOKENS", "tokens for a run"),
                    (spent.cost, limits.cost, "INTENT_AI_COST", "US dollars for one intent and target"),
                    (self.spent.cost, limits.run_cost, "INTENT_AI_RUN_COST", "US dollars for a run")):
                if used >= limit:
                    raise error("E952", f"the budget of {limit:,} {what} is used up", help=f"{variable} gives more")

    def _most_tokens(self, spent: Spent) -> int:
        limits = self.provider.limits
        left = min(limits.tokens - spent.tokens, limits.run_tokens - self.spent.tokens)
        if self.provider.price is not None and self.provider.price[1]:
            dollars = min(limits.cost - spent.cost, limits.run_cost - self.spent.cost)
            if dollars < math.inf:
                left = min(left, int(dollars / self.provider.price[1] * 1e6))
        return max(1, min(limits.answer_tokens, left))

    def _body(self, question: Question, spent: Spent) -> dict[str, Any]:
        provider, most = self.provider, self._most_tokens(spent)
        messages = [{"role": "system", "content": question.system}, {"role": "user", "content": question.user}]
        body: dict[str, Any] = {"model": provider.model, "stream": True, "temperature": question.temperature}
        schema = {"name": "answer", "strict": True, "schema": question.schema}
        if provider.api == "chat":
            body |= {"messages": messages, "stream_options": {"include_usage": True}}
            if question.grammar is not None and provider.shape == "grammar" and "grammar" not in self._refused:
                body["grammar"] = question.grammar
                most = min(most, question.grammar_tokens or most)
            elif question.schema is not None:
                body["response_format"] = {"type": "json_schema", "json_schema": schema}
            body["max_completion_tokens" if "max_tokens" in self._refused else "max_tokens"] = most
        else:
            # Nothing of a project stays with the service longer than it has to.
            body |= {"input": messages, "max_output_tokens": most, "store": False}
            if question.schema is not None:
                body["text"] = {"format": {"type": "json_schema", **schema}}
        return {name: value for name, value in body.items() if name not in self._refused}

    def _give_up(self, parameter: str, body: dict[str, Any]) -> bool:
        """Do without a parameter that the server does not take; False for one that cannot go, or was not there."""
        name = {"text.format": "text", "json_schema": "response_format"}.get(parameter, parameter.partition(".")[0])
        optional = {"temperature", "max_tokens", "max_completion_tokens", "max_output_tokens", "stream_options",
                    "response_format", "text", "store", "grammar"}
        if name not in optional or name not in body:
            return False
        with self._lock:
            self._refused.add(name)
        return True

    def _no_answer(self, why: str) -> IntentError:
        why = self.provider.key.hidden_in(why)
        return error("E951", f"the AI provider {self.provider.name} gives no answer: {why}",
                     help="`intent-tool doctor` says what is set up; " + SETUP if "key" in why else None)


def _completed(provider: Provider, models: Any) -> Provider:
    """With the one model that the server has, and the form of answer that such a server can be held to. Raises
    `IntentError` when there is a choice of models that nobody made."""
    found = models.get("data") if isinstance(models, dict) else None
    listed = found if isinstance(found, list) else []
    known = [m for m in listed if isinstance(m, dict) and isinstance(m.get("id"), str)]
    names = [m["id"] for m in known if m["id"].isprintable()]
    if not provider.model:
        if len(names) != 1:
            shown = f": it has {provider.key.hidden_in(', '.join(names[:8]))[:MOST_SHOWN]}" if names else ""
            raise error("E950", f"INTENT_AI_MODEL is not set, and {provider.name} does not say which there is{shown}",
                        help="set it to the model's name")
        provider = replace(provider, model=names[0])
    if provider.shape == "unknown":
        is_llama = any(m.get("owned_by") == "llamacpp" for m in known)
        provider = replace(provider, name="llama.cpp", shape="grammar") if is_llama else \
            replace(provider, shape="schema")
    return provider


def _tokens(characters: int) -> int:
    return math.ceil(characters / CHARACTERS_A_TOKEN)

"""What servers send back: server-sent events and whole answers of both protocols, read strictly.

Chat Completions streams ``choices[0].delta.content`` and ends with ``[DONE]``; Responses streams typed events and
ends with ``response.completed`` (OpenAI API reference, "Chat Completions" and "Responses", streaming events)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

MOST_EVENT = 1 << 20
"""Bytes of one event. A final event of the Responses protocol repeats the whole answer."""
MOST_TEXT = 1 << 18
"""Characters of an answer."""


class BadAnswer(Exception):
    """The server's answer is none. `retry` where asking again may help; `parameter` is what it refused to take. The
    reason may hold words of the server, as they came."""

    def __init__(self, reason: str, *, retry: bool, parameter: str | None = None) -> None:
        super().__init__(reason)
        self.retry, self.parameter = retry, parameter


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of an answer."""

    text: str = ""
    thought: int = 0
    """Characters of reasoning, which is not shown."""
    tokens_in: int | None = None
    tokens_out: int | None = None
    finish: str | None = None
    """Why it ends here: ``stop``, ``length``, …"""


def events(chunks: Iterable[bytes]) -> Iterator[str | None]:
    """The data of each event; None for a comment, which only says that the server is alive (WHATWG HTML, 9.2.6).
    Raises `BadAnswer`."""
    data: list[str] = []
    for line in _lines(chunks):
        if line.startswith(":"):
            yield None
        elif not line:
            if data:
                yield "\n".join(data)
            data = []
        elif line.startswith("data:"):
            data.append(line[5:].removeprefix(" "))
            if sum(map(len, data)) > MOST_EVENT:
                raise BadAnswer("an event of the stream is too long", retry=False)
    if data:
        yield "\n".join(data)


def _lines(chunks: Iterable[bytes]) -> Iterator[str]:
    rest = b""
    for chunk in chunks:
        *whole, rest = (rest + chunk).replace(b"\r\n", b"\n").split(b"\n")
        if len(rest) > MOST_EVENT:
            raise BadAnswer("a line of the stream is too long", retry=False)
        for line in whole:
            yield _text(line)
    if rest:
        yield _text(rest)


def _text(line: bytes) -> str:
    try:
        return line.decode("utf-8").removesuffix("\r")
    except UnicodeDecodeError:
        raise BadAnswer("the stream is not UTF-8", retry=False) from None


def read_event(data: str, api: str) -> Piece | None:
    """What one event says; None for ``[DONE]``. Raises `BadAnswer` for an error object and for what is no event."""
    if data.strip() == "[DONE]":
        return None
    return _read(parse(data.encode()), api, whole=False)


def read_whole(body: bytes, api: str) -> Piece:
    """An answer that does not come in a stream. Raises `BadAnswer`."""
    piece = _read(parse(body), api, whole=True)
    if piece.finish is None:
        raise BadAnswer("the answer does not say that it is complete", retry=True)
    return piece


def parse(body: bytes) -> Any:
    """JSON. Raises `BadAnswer`."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise BadAnswer("the answer is not JSON", retry=True) from None


def _read(event: Any, api: str, whole: bool) -> Piece:
    try:
        if not isinstance(event, dict):
            raise TypeError
        if event.get("error") or event.get("type") == "error":
            raise refusal(event, 200)
        if api == "chat":
            return _chat(event, "message" if whole else "delta")
        return _whole_response(event) if whole else _response(event)
    except (TypeError, KeyError, AttributeError, IndexError, ValueError):
        raise BadAnswer("the answer has another form than the protocol's", retry=False) from None


def _chat(event: dict[str, Any], part: str) -> Piece:
    text, thought, finish = "", 0, None
    # The last event of a stream has usage and no choices.
    for choice in (event.get("choices") or [])[:1]:
        said = choice.get(part) or {}
        text = _string(said.get("content"))
        thought = len(_string(said.get("reasoning_content") or said.get("reasoning")))
        finish = choice.get("finish_reason")
        if said.get("refusal"):
            raise BadAnswer(f"the model refuses: {_string(said['refusal'])}", retry=False)
    usage = event.get("usage") or {}
    return Piece(text, thought, _count(usage.get("prompt_tokens")), _count(usage.get("completion_tokens")),
                 None if finish is None else _string(finish))


def _response(event: dict[str, Any]) -> Piece:
    kind = event.get("type")
    if kind == "response.output_text.delta":
        return Piece(_string(event["delta"]))
    if kind in ("response.reasoning_summary_text.delta", "response.reasoning_text.delta"):
        return Piece(thought=len(_string(event["delta"])))
    if kind == "response.refusal.done":
        raise BadAnswer(f"the model refuses: {_string(event['refusal'])}", retry=False)
    if kind == "response.failed":
        raise refusal(event["response"], 200)
    if kind in ("response.completed", "response.incomplete"):
        end = _whole_response(event["response"])
        # The text was in the events before.
        return Piece("", 0, end.tokens_in, end.tokens_out, end.finish)
    return Piece()


def _whole_response(response: dict[str, Any]) -> Piece:
    status = response.get("status")
    if status == "failed":
        raise refusal(response, 200)
    texts = [_string(content.get("text")) for item in response.get("output") or [] if item.get("type") == "message"
             for content in item.get("content") or [] if content.get("type") == "output_text"]
    usage = response.get("usage") or {}
    finish = None
    if status == "completed":
        finish = "stop"
    elif status == "incomplete":
        reason = _string((response.get("incomplete_details") or {}).get("reason"))
        finish = "length" if reason == "max_output_tokens" else reason or "incomplete"
    return Piece("".join(texts), 0, _count(usage.get("input_tokens")), _count(usage.get("output_tokens")), finish)


def refusal(body: Any, status: int) -> BadAnswer:
    """The error object of an answer. Whether to ask again is for the status to say, except that an empty account
    stays empty, and that an error in a stream is the server's."""
    found = body.get("error") if isinstance(body, dict) else None
    details = found if isinstance(found, dict) else body if isinstance(body, dict) else {}
    message = details.get("message") if isinstance(details.get("message"), str) else None
    if message is None and isinstance(found, str):
        message = found
    parameter = details.get("param") if isinstance(details.get("param"), str) else None
    final = ("insufficient_quota", "invalid_api_key", "authentication_error", "content_filter",
             "context_length_exceeded")
    is_final = details.get("code") in final or details.get("type") in final
    return BadAnswer(message or "it gives no reason", parameter=parameter,
                     retry=not is_final and (status in (200, 408, 409, 429) or status >= 500))


def _string(value: Any) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise TypeError
    return value


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 40 else None

"""One HTTP request, answered piece by piece.

The request runs in a thread of its own: whoever waits can be interrupted, and can give up on a server that keeps its
connection open and says nothing."""

from __future__ import annotations

import contextlib
import math
import queue
import re
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from intent_tool.propose.ai.answer import (
    MOST_TEXT,
    BadAnswer,
    Piece,
    events,
    parse,
    read_event,
    read_whole,
    refusal,
)
from intent_tool.propose.ai.provider import Key, Provider

if TYPE_CHECKING:
    from requests import Response, Session

CONNECT_SECONDS = 10.0
MOST_BODY = 1 << 24
"""Bytes of an answer, unpacked."""
MOST_SHOWN = 300
"""Characters of what a server says about itself."""
_LOOK = 0.1
"""Seconds between looks at whether to stop."""


class Unanswered(Exception):
    """There is no answer. `retry` where asking again may help, `wait` for how many seconds the server asked;
    `parameter` is what of the request it does not take."""

    def __init__(self, reason: str, *, retry: bool, wait: float | None = None, parameter: str | None = None) -> None:
        super().__init__(reason)
        self.retry, self.wait, self.parameter = retry, wait, parameter


class Stopped(Exception):
    """The run was interrupted."""


@dataclass(frozen=True, slots=True)
class Exchange:
    session: Session
    provider: Provider
    stop: threading.Event

    def pieces(self, body: dict[str, Any]) -> Iterator[Piece]:
        """The parts of the answer to a request, as they come; the last one says why it ends. Raises `Unanswered`
        and `Stopped`."""
        limits = self.provider.limits
        arrived: queue.SimpleQueue[Piece | Exception | None] = queue.SimpleQueue()
        abandoned = threading.Event()
        thread = threading.Thread(target=self._fetch, args=(body, arrived, abandoned), daemon=True)
        thread.start()
        started = heard = time.monotonic()
        length, finished = 0, False
        try:
            while True:
                if self.stop.is_set():
                    raise Stopped
                now = time.monotonic()
                if now - heard > limits.silence:
                    raise Unanswered(f"no token came for {limits.silence:g} s (INTENT_AI_SILENCE gives more)",
                                     retry=True)
                if now - started > limits.deadline:
                    raise Unanswered(f"the answer took longer than {limits.deadline:g} s (INTENT_AI_DEADLINE gives "
                                     "more)", retry=False)
                try:
                    piece = arrived.get(timeout=_LOOK)
                except queue.Empty:
                    continue
                if isinstance(piece, Exception):
                    raise piece
                if piece is None:
                    break
                if piece.text or piece.thought:
                    heard = now
                length += len(piece.text)
                if length > MOST_TEXT:
                    raise Unanswered(f"the answer is longer than {MOST_TEXT >> 10} KiB", retry=False)
                finished = finished or piece.finish is not None
                yield piece
            if not finished:
                raise Unanswered("the stream ended before the answer was complete", retry=True)
        finally:
            abandoned.set()

    def get(self, path: str, seconds: float) -> Any:
        """The JSON of a plain request, None where there is none to be had in that time. Raises `Stopped`."""
        arrived: queue.SimpleQueue[Any] = queue.SimpleQueue()
        threading.Thread(target=self._fetch_json, args=(path, seconds, arrived), daemon=True).start()
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self.stop.is_set():
                raise Stopped
            with contextlib.suppress(queue.Empty):
                return arrived.get(timeout=_LOOK)
        return None

    def _fetch_json(self, path: str, seconds: float, arrived: queue.SimpleQueue[Any]) -> None:
        found = None
        # Whatever goes wrong, there is nothing to be had.
        with contextlib.suppress(Exception), self.session.get(
                self.provider.base_url + path, timeout=(CONNECT_SECONDS, seconds), stream=True, allow_redirects=False,
                auth=_Bearer(self.provider.key)) as response:
            found = parse(_limited(response)) if response.status_code == 200 else None
        arrived.put(found)

    def _fetch(self, body: dict[str, Any], arrived: queue.SimpleQueue[Piece | Exception | None],
               abandoned: threading.Event) -> None:
        try:
            path = "/chat/completions" if self.provider.api == "chat" else "/responses"
            with self.session.post(self.provider.base_url + path, json=body, stream=True, allow_redirects=False,
                                   timeout=(CONNECT_SECONDS, self.provider.limits.silence),
                                   auth=_Bearer(self.provider.key)) as response:
                if response.status_code != 200:
                    raise self._refused(response)
                for piece in self._read(response):
                    if abandoned.is_set():
                        return
                    arrived.put(piece)
            arrived.put(None)
        except BadAnswer as bad:
            arrived.put(Unanswered(self._said(str(bad)), retry=bad.retry, parameter=bad.parameter))
        except Unanswered as failure:
            arrived.put(failure)
        except Exception as failure:
            arrived.put(Unanswered(*self._broken(failure), retry=_may_pass(failure)))

    def _read(self, response: Response) -> Iterator[Piece]:
        named = response.headers.get("Content-Type", "").partition(";")[0].strip()
        kind = named.lower()
        if kind == "application/json":
            yield read_whole(_limited(response), self.provider.api)
        elif kind == "text/event-stream":
            for data in events(_chunks(response)):
                piece = read_event(data, self.provider.api) if data is not None else Piece()
                if piece is None:
                    return
                yield piece
                if piece.finish is not None and self.provider.api == "responses":
                    # Nothing follows, not even a [DONE].
                    return
        else:
            shown = f"`{self._said(named)}`" if named else "nothing that it names"
            raise Unanswered(f"it answers with {shown}, not with JSON or events: is the base URL right? (most end in "
                             "/v1)", retry=False)

    def _refused(self, response: Response) -> Unanswered:
        from urllib3.exceptions import HTTPError

        status = response.status_code
        if 300 <= status < 400:
            there = "another place"
            with contextlib.suppress(ValueError):
                place = urlsplit(response.headers.get("Location", ""))
                there = f"{place.scheme}://{place.netloc}" if place.netloc else there
            return Unanswered(f"it redirects to {self._said(there)}, and a key goes only to where it was meant for; "
                              "set INTENT_AI_BASE_URL to the place itself", retry=False)
        try:
            bad = refusal(parse(_limited(response)), status)
        except (BadAnswer, HTTPError):
            bad = refusal(None, status)
        hint = {401: ": is the key right?", 403: ": may the key do this?",
                404: ": are the base URL and the model's name right?"}.get(status, "")
        return Unanswered(f"status {status}{hint} ({self._said(str(bad))})", retry=bad.retry, wait=_wait(response),
                          parameter=bad.parameter or _named_parameter(status, str(bad)))

    def _said(self, text: str) -> str:
        """Words of a server that can be shown: few, printable, and without the key, which some servers repeat."""
        words = " ".join(self.provider.key.hidden_in(text).split())[:MOST_SHOWN]
        return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in words)

    def _broken(self, failure: Exception) -> tuple[str]:
        import requests
        import urllib3

        if isinstance(failure, requests.exceptions.SSLError):
            return ("the certificate cannot be verified (REQUESTS_CA_BUNDLE names the authorities of a private "
                    "network)",)
        if isinstance(failure, requests.exceptions.ConnectTimeout):
            return (f"no connection within {CONNECT_SECONDS:g} s",)
        if isinstance(failure, requests.exceptions.Timeout | urllib3.exceptions.ReadTimeoutError):
            return (f"nothing came for {self.provider.limits.silence:g} s (INTENT_AI_SILENCE gives more)",)
        if isinstance(failure, urllib3.exceptions.DecodeError):
            return ("the answer cannot be unpacked",)
        if isinstance(failure, urllib3.exceptions.ProtocolError):
            return ("the connection was cut in the middle of the answer",)
        if isinstance(failure, requests.exceptions.ConnectionError):
            return ("nothing answers there" if self.provider.is_local else "it cannot be reached",)
        return (f"the connection broke ({type(failure).__name__})",)


class _Bearer:
    """The key, and nothing that a `.netrc` file has to offer."""

    def __init__(self, key: Key) -> None:
        self.key = key

    def __call__(self, request: Any) -> Any:
        if self.key:
            request.headers["Authorization"] = f"Bearer {self.key.reveal()}"
        return request


def _may_pass(failure: Exception) -> bool:
    import requests

    is_certain = (requests.exceptions.SSLError, requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema,
                  requests.exceptions.ProxyError)
    is_network = isinstance(failure, (requests.RequestException, OSError)) \
        or type(failure).__module__.startswith(("urllib3", "http.client"))
    return is_network and not isinstance(failure, is_certain)


def _chunks(response: Response) -> Iterator[bytes]:
    """The body as it arrives, unpacked."""
    total = 0
    while chunk := response.raw.read1(1 << 16, decode_content=True):
        total += len(chunk)
        if total > MOST_BODY:
            raise BadAnswer(f"the answer is longer than {MOST_BODY >> 20} MiB", retry=False)
        yield chunk


def _limited(response: Response) -> bytes:
    return b"".join(_chunks(response))


def _wait(response: Response) -> float | None:
    """How many seconds the server asks to wait: ``retry-after-ms``, or ``Retry-After`` as seconds or as a date (RFC
    9110, 10.2.3)."""
    for name, scale in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
        text = response.headers.get(name, "").strip()
        seconds = _number(text)
        if seconds is None and scale == 1.0:
            seconds = _until(text)
        if seconds is not None:
            return max(0.0, seconds / scale)
    return None


def _number(text: str) -> float | None:
    with contextlib.suppress(ValueError):
        value = float(text)
        return value if math.isfinite(value) else None
    return None


def _until(date: str) -> float | None:
    with contextlib.suppress(ValueError, TypeError, OverflowError):
        return parsedate_to_datetime(date).timestamp() - time.time()
    return None


def _named_parameter(status: int, message: str) -> str | None:
    """A parameter that the reason for a 400 names, where the error object leaves that to people."""
    if status not in (400, 422):
        return None
    # The first one, as what to use instead comes after it.
    named = re.search(r"\b(response_format|stream_options|max_completion_tokens|max_output_tokens|max_tokens|"
                      r"temperature|grammar|store|json_schema)\b", message)
    return named[0] if named is not None else None

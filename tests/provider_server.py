"""An AI provider on 127.0.0.1 that plays a script: one reply for each request, and everything it was sent is kept.

``$AUTHORIZATION`` in a header or a body becomes the request's Authorization header, as in servers that repeat it."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from intent_tool.language.diagnostics import IntentError
from intent_tool.propose.ai.client import Answer, Client, Question, Spent
from intent_tool.propose.ai.provider import Key, Limits, Provider

QUESTION = Question("You write assembly.", "The answer, please.", 0.5, schema={"type": "object"},
                    grammar="root ::= x", grammar_tokens=64)
KEY = "sk-canary-0123456789abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True)
class Seen:
    """A request. `body` is None for a GET."""

    path: str
    headers: Mapping[str, str]
    body: dict[str, Any] | None


@dataclass(frozen=True)
class Reply:
    """What is sent back. `parts` are written one after the other; a number is a pause in seconds."""

    status: int
    headers: tuple[tuple[str, str], ...]
    parts: tuple[bytes | float, ...]
    is_cut: bool = False
    """The connection ends before the body does."""

    def with_headers(self, **more: str) -> Reply:
        added = tuple((name.replace("_", "-"), value) for name, value in more.items())
        return replace(self, headers=tuple(h for h in self.headers if h[0] not in dict(added)) + added)


def whole(document: Any, status: int = 200, **headers: str) -> Reply:
    """A JSON document, or the bytes that stand for one."""
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    return Reply(status, (("Content-Type", "application/json"),), (body,)).with_headers(**headers)


def failure(status: int, message: str = "sorry", headers: Mapping[str, str] | None = None, **members: str) -> Reply:
    """An error object in the form of OpenAI's API."""
    return whole({"error": {"message": message, **members}}, status, **dict(headers or {}))


def stream(*parts: bytes | float, is_cut: bool = False) -> Reply:
    return Reply(200, (("Content-Type", "text/event-stream; charset=utf-8"),), parts, is_cut)


def event(document: Any) -> bytes:
    return b"data: " + json.dumps(document).encode() + b"\n\n"


DONE = b"data: [DONE]\n\n"


def chat_text(text: str) -> bytes:
    return event({"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": None}]})


def chat_end(finish: str = "stop", usage: tuple[int, int] | None = (10, 5)) -> bytes:
    end = event({"choices": [{"index": 0, "delta": {}, "finish_reason": finish}]})
    if usage is not None:
        end += event({"choices": [], "usage": {"prompt_tokens": usage[0], "completion_tokens": usage[1]}})
    return end + DONE


def chat(*texts: str, finish: str = "stop", usage: tuple[int, int] | None = (10, 5)) -> Reply:
    """A whole stream of Chat Completions."""
    return stream(*map(chat_text, texts), chat_end(finish, usage))


def response_text(text: str) -> bytes:
    return event({"type": "response.output_text.delta", "delta": text})


def response(status: str, *texts: str, **members: Any) -> dict[str, Any]:
    output = [{"type": "reasoning", "summary": []},
              {"type": "message", "content": [{"type": "output_text", "text": text} for text in texts]}]
    return {"status": status, "output": output, "usage": {"input_tokens": 20, "output_tokens": 7}, **members}


def responses(*texts: str, status: str = "completed", **members: Any) -> Reply:
    """A whole stream of Responses."""
    return stream(event({"type": "response.created", "response": {"status": "in_progress"}}),
                  *map(response_text, texts),
                  event({"type": f"response.{status}", "response": response(status, *texts, **members)}))


@dataclass
class ProviderServer:
    """Plays `script`, the last reply again and again; `models` answers GET."""

    script: list[Reply]
    models: Reply = field(default_factory=lambda: failure(404))
    seen: list[Seen] = field(default_factory=list)
    port: int = 0
    scheme: str = "http"
    closing: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}/v1"

    @property
    def bodies(self) -> list[dict[str, Any]]:
        return [request.body for request in self.seen if request.body is not None]

    def reply_to(self, request: Seen) -> Reply:
        with self.lock:
            self.seen.append(request)
            if request.body is None:
                return self.models
            return self.script[min(len(self.bodies), len(self.script)) - 1]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wanted: ProviderServer

    def do_GET(self) -> None:
        self._answer(None)

    def do_POST(self) -> None:
        self._answer(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

    def _answer(self, body: dict[str, Any] | None) -> None:
        reply = self.wanted.reply_to(Seen(self.path, dict(self.headers), body))
        said = self.headers.get("Authorization", "")
        self.send_response(reply.status)
        for name, value in (*reply.headers, ("Transfer-Encoding", "chunked")):
            self.send_header(name, value.replace("$AUTHORIZATION", said))
        self.end_headers()
        try:
            for part in reply.parts:
                if isinstance(part, float):
                    self.wanted.closing.wait(part)
                elif part:
                    self._chunk(part.replace(b"$AUTHORIZATION", said.encode()))
            if not reply.is_cut:
                self.wfile.write(b"0\r\n\r\n")
        except OSError:
            reply = replace(reply, is_cut=True)
        self.close_connection = reply.is_cut

    def _chunk(self, data: bytes) -> None:
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))

    def log_message(self, format: str, *args: Any) -> None:
        pass


@contextmanager
def serving(*script: Reply, models: Reply | None = None,
            certificate: tuple[Path, Path] | None = None) -> Iterator[ProviderServer]:
    server = ProviderServer(list(script), models or failure(404))
    handler = type("Handler", (_Handler,), {"wanted": server})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as http:
        http.daemon_threads = True
        server.port = http.server_address[1]
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificate)
            http.socket = context.wrap_socket(http.socket, server_side=True)
            server.scheme = "https"
        threading.Thread(target=http.serve_forever, args=(0.01,), daemon=True).start()
        try:
            yield server
        finally:
            server.closing.set()
            http.shutdown()


def client_of(server: ProviderServer, api: str = "chat", shape: str = "schema", model: str = "m", key: str = KEY,
              price: tuple[float, float] | None = None, **limits: Any) -> Client:
    provider = Provider("here", server.url, model, api, shape, Key(key), price, Limits(**limits))
    return Client(provider, first_wait=0.002)


def answer(*script: Reply, api: str = "chat", **limits: Any) -> Answer:
    """What the client makes of the replies."""
    with serving(*script) as server:
        return client_of(server, api, **limits).ask(QUESTION, Spent())


def refusal(client: Client, question: Question = QUESTION, spent: Spent | None = None) -> str:
    """The one message of an ask that fails."""
    try:
        client.ask(question, spent or Spent())
    except IntentError as refused:
        return message(refused)
    raise AssertionError("there is an answer")


def refusal_of(*script: Reply, api: str = "chat", **limits: Any) -> str:
    with serving(*script) as server:
        return refusal(client_of(server, api, **limits))


def message(refused: IntentError) -> str:
    assert len(refused.diagnostics) == 1
    return f"{refused.diagnostics[0].code}: {refused.diagnostics[0].message}"

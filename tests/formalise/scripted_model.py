"""`intent-tool formalise` against a model on 127.0.0.1 that plays a script."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from intent_tool.cli import main
from intent_tool.propose.ai.provider import KEY_VARIABLES

ROOT = Path(__file__).parents[2]
KEY = "sk-secret-0123456789abcdefghijklmnop"

TO_LOWER = """\
# Reviewed by hand.
intent: "Lower-case an ASCII letter; leave every other byte alone."
signature: uint8_t to_lower(uint8_t c)   # one byte

# The ends of the alphabet.
examples:
  - to_lower(b"A"[0]) == b"a"[0]
  - to_lower(b"Z"[0]) == b"z"[0]
  - to_lower(b"["[0]) == b"["[0]
  - to_lower(b"0"[0]) == b"0"[0]
"""
LOWERED = 'c + 32 if ord("A") <= c <= ord("Z") else c'


def formula(returns: str = "", **members: Any) -> str:
    """An answer in the form that is asked for."""
    return json.dumps({"where": [], "requires": [], "returns": returns, "ensures": [], "writes": [], **members})


@dataclass
class Model:
    """Gives the answers in turn, the last one again and again. `prompts` are what it was asked."""

    answers: list[str]
    url: str = ""
    requests: list[dict[str, Any]] = field(default_factory=list)

    @property
    def prompts(self) -> list[str]:
        return [request["messages"][1]["content"] for request in self.requests]


@contextmanager
def model(*answers: str) -> Iterator[Model]:
    """A server of streamed chat completions."""
    played = Model(list(answers))

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_error(404)

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            played.requests.append(body)
            text = played.answers[min(len(played.requests), len(played.answers)) - 1]
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.end_headers()
            for piece in (text[i:i + 10_000] for i in range(0, len(text), 10_000)):
                self.event({"choices": [{"delta": {"content": piece}, "finish_reason": None}]})
            self.event({"choices": [{"delta": {}, "finish_reason": "stop"}]})
            self.wfile.write(b"data: [DONE]\n\n")

        def event(self, data: Any) -> None:
            self.wfile.write(b"data: " + json.dumps(data).encode() + b"\n\n")

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        http.daemon_threads = True
        played.url = f"http://127.0.0.1:{http.server_address[1]}/v1"
        threading.Thread(target=http.serve_forever, args=(0.01,), daemon=True).start()
        try:
            yield played
        finally:
            http.shutdown()


@dataclass(frozen=True)
class Ran:
    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass(frozen=True)
class Desk:
    """A folder with intents, where the tool is run in this process."""

    path: Path
    patch: pytest.MonkeyPatch
    capture: pytest.CaptureFixture[str]

    def write(self, text: str | bytes, name: str = "f.intent") -> Path:
        file = self.path / name
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        return file

    def run(self, *words: str | Path, **variables: str) -> Ran:
        with self.patch.context() as patch:
            for name in [n for n in os.environ if n.startswith("INTENT_AI_") or n in KEY_VARIABLES]:
                patch.delenv(name)
            for name, value in variables.items():
                patch.setenv(name, value)
            patch.chdir(self.path)
            status = main([str(word) for word in words])
        out, err = self.capture.readouterr()
        assert KEY not in out + err
        return Ran(status, out, err)

    def formalise(self, model: Model, file: Path, *words: str) -> Ran:
        """With one reading and two rounds, unless the words say otherwise."""
        usual = [*(() if "--samples" in words else ("--samples", "1")),
                 *(() if "--rounds" in words else ("--rounds", "2"))]
        return self.run("formalise", file.name, *usual, *words, INTENT_AI_BASE_URL=model.url, INTENT_AI_MODEL="m",
                        INTENT_AI_KEY=KEY)


def in_a_process(folder: Path, model: Model, *words: str) -> Ran:
    environment = {**{n: v for n, v in os.environ.items() if n not in KEY_VARIABLES}, "PYTHONPATH": str(ROOT),
                   "INTENT_AI_BASE_URL": model.url, "INTENT_AI_MODEL": "m", "INTENT_AI_KEY": KEY}
    done = subprocess.run([sys.executable, "-m", "intent_tool", *words], cwd=folder, capture_output=True, text=True,
                          env=environment, timeout=60, stdin=subprocess.DEVNULL, check=False)
    return Ran(done.returncode, done.stdout, done.stderr)


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Desk:
    return Desk(tmp_path, monkeypatch, capfd)

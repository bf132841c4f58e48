"""The key goes to one place and shows up nowhere else, whatever servers, files and variables say."""

from __future__ import annotations

import subprocess
import traceback
from pathlib import Path

import pytest
from provider_server import (
    KEY,
    QUESTION,
    Reply,
    chat,
    chat_text,
    client_of,
    event,
    failure,
    refusal,
    response,
    serving,
    stream,
    whole,
)

from intent_tool.language.diagnostics import IntentError
from intent_tool.propose.ai.client import Spent
from intent_tool.propose.ai.exchange import Exchange, Unanswered

AUTHORIZATION = f"Bearer {KEY}"
ECHO = "you said $AUTHORIZATION"
CUT = "x" * 260 + ECHO
"""The key stands where a long message ends."""


def test_the_key_is_sent() -> None:
    with serving(chat("a"), models=whole({"data": [{"id": "m"}]})) as server:
        client_of(server, model="").ask(QUESTION, Spent())
    assert [request.headers["Authorization"] for request in server.seen] == [AUTHORIZATION] * 2


def test_no_key_no_header() -> None:
    with serving(chat("a")) as server:
        client_of(server, key="").ask(QUESTION, Spent())
    assert "Authorization" not in server.seen[0].headers


@pytest.mark.parametrize("key", [KEY, ""])
def test_a_netrc_file_has_no_say(key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    netrc = tmp_path / ".netrc"
    netrc.write_text("machine 127.0.0.1 login me password hunter2\ndefault login me password hunter2\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("HOME", str(tmp_path))
    with serving(chat("a")) as server:
        client = client_of(server, key=key)
        client.ask(QUESTION, Spent())
        assert client._session is not None
        client._session.trust_env = True
        client.ask(QUESTION, Spent())
    assert [r.headers.get("Authorization") for r in server.seen] == [AUTHORIZATION if key else None] * 2


def test_a_proxy_does_not_see_what_stays_on_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(failure(500)) as proxy, serving(chat("a"), models=whole({})) as server:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        assert client_of(server, shape="unknown").ask(QUESTION, Spent()).text == "a"
    assert not proxy.seen


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_the_key_is_not_sent_on(status: int) -> None:
    with serving(chat("stolen")) as other:
        place = {"Location": f"{other.url}/chat/completions"}
        redirect = failure(status, headers=place)
        with serving(redirect, models=redirect) as server:
            assert "it redirects to http://127.0.0.1:" in refusal(client_of(server, shape="unknown"))
    assert not other.seen and len(server.seen) == 2


# Servers that repeat it

ECHOES: dict[str, Reply] = {
    "400": failure(400, ECHO),
    "401": failure(401, ECHO),
    "401 in xAI's form": whole({"code": "bad key", "error": ECHO}, 401),
    "403 where it is cut": failure(403, CUT),
    "429 without end": failure(429, ECHO, headers={"Retry_After": "1000"}),
    "500": failure(500, ECHO),
    "many times": failure(400, ECHO * 100),
    "parameter": failure(400, ECHO, param="$AUTHORIZATION"),
    "redirect": failure(302, headers={"Location": f"https://{KEY}.example.com/"}),
    "long redirect": failure(302, headers={"Location": f"https://{'x' * 280}{KEY}.example.com/"}),
    "content type": chat("a").with_headers(Content_Type="$AUTHORIZATION"),
    "long content type": chat("a").with_headers(Content_Type="x" * 280 + "$AUTHORIZATION"),
    "status line": Reply(400, (("X-Request-Id", "$AUTHORIZATION"),), (b"$AUTHORIZATION",)),
    "error in the stream": stream(chat_text("a"), event({"error": {"message": CUT}})),
    "error as text": stream(event({"error": ECHO})),
    "refusal": stream(event({"choices": [{"delta": {"refusal": CUT}}]})),
    "whole": whole({"error": {"message": ECHO}}),
    "no event": stream(b"data: $AUTHORIZATION\n\n"),
    "encoding": whole(b"$AUTHORIZATION", Content_Encoding="gzip"),
}
RESPONSE_ECHOES: dict[str, Reply] = {
    "failed": stream(event({"type": "response.failed", "response": {"error": {"message": CUT}}})),
    "refusal": stream(event({"type": "response.refusal.done", "refusal": CUT})),
    "error": stream(event({"type": "error", "message": ECHO})),
    "whole": whole({"status": "failed", "error": {"message": ECHO}}),
}


@pytest.mark.parametrize(("api", "reply"), [("chat", r) for r in ECHOES.values()]
                         + [("responses", r) for r in RESPONSE_ECHOES.values()], ids=[*ECHOES, *RESPONSE_ECHOES])
def test_a_server_that_repeats_the_key_does_not_make_it_known(api: str, reply: Reply) -> None:
    with serving(reply) as server:
        client = client_of(server, api)
        with pytest.raises(IntentError) as refused:
            client.ask(QUESTION, Spent())
        exchange = Exchange(client._session, client.provider, client.stop)  # type: ignore[arg-type]
        with pytest.raises(Unanswered) as unanswered:
            list(exchange.pieces({"model": "m"}))
    shown = [*everything_said(refused.value), *everything_said(unanswered.value), repr(client), repr(exchange),
             repr(client.provider), str(refused.value.diagnostics), str(refused.value.diagnostics[0].to_json())]
    assert_hidden("\n".join(shown))


def test_models_that_are_named_like_the_key() -> None:
    for name in ("$AUTHORIZATION", "x" * 280 + "$AUTHORIZATION"):
        with serving(chat("a"), models=whole({"data": [{"id": name}, {"id": "m"}]})) as server:
            assert_hidden(refusal(client_of(server, model="")))


def test_an_answer_that_is_the_key() -> None:
    with serving(chat("mov eax, ", "$AUTHORIZATION")) as server:
        assert client_of(server).ask(QUESTION, Spent()).text == "mov eax, Bearer [key]"
    with serving(stream(chat_text(KEY[:9]), *chat(KEY[9:]).parts)) as server:
        assert client_of(server).ask(QUESTION, Spent()).text == "[key]"
    with serving(whole(response("completed", KEY))) as server:
        assert client_of(server, "responses").ask(QUESTION, Spent()).text == "[key]"


def test_a_word_that_is_no_secret_does_not_garble_answers() -> None:
    with serving(chat("mov eax, 1")) as server:
        assert client_of(server, key="1").ask(QUESTION, Spent()).text == "mov eax, 1"


def everything_said(failure: BaseException) -> list[str]:
    """By an exception, by those that led to it, and by what a user sees of a crash."""
    said = ["".join(traceback.format_exception(failure))]
    chain: BaseException | None = failure
    while chain is not None:
        said += [str(chain), repr(chain), str(chain.args), str(getattr(chain, "__notes__", ""))]
        chain = chain.__cause__ or chain.__context__
    return said


def assert_hidden(text: str) -> None:
    for part in (KEY, KEY.upper(), KEY.lower(), KEY[:12]):
        assert part not in text


# Certificates

def test_a_certificate_that_nobody_vouches_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = certificate(tmp_path)
    with serving(chat("a"), certificate=files) as server:
        client = client_of(server)
        assert refusal(client) == ("E951: the AI provider here gives no answer: the certificate cannot be verified "
                                   "(REQUESTS_CA_BUNDLE names the authorities of a private network)")
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(files[0]))
        assert client_of(server).ask(QUESTION, Spent()).text == "a"
    assert len(server.seen) == 1


def certificate(folder: Path) -> tuple[Path, Path]:
    """Of 127.0.0.1, signed by itself, and its private key."""
    files = folder / "certificate.pem", folder / "private.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                    "-subj", "/CN=here", "-addext", "subjectAltName=IP:127.0.0.1", "-out", str(files[0]), "-keyout",
                    str(files[1])], check=True, capture_output=True)
    return files

"""What is asked again, when, and how often; and what is not."""

from __future__ import annotations

import socket
import time
from email.utils import formatdate

import pytest
from provider_server import QUESTION, Reply, chat, client_of, failure, refusal, refusal_of, serving, whole

from intent_tool.language.diagnostics import IntentError
from intent_tool.propose.ai.client import ATTEMPTS, Client, Spent
from intent_tool.propose.ai.provider import Key, Provider

HERE = "E951: the AI provider here gives no answer: "


@pytest.mark.parametrize("status", [408, 409, 429, 500, 502, 503])
def test_what_may_pass_is_asked_again(status: int) -> None:
    with serving(failure(status), whole(b"<html>", status), chat("a")) as server:
        assert client_of(server).ask(QUESTION, Spent()).text == "a"
    assert len(server.seen) == 3


def test_the_last_attempt_says_how_many_there_were() -> None:
    with serving(failure(503, "Loading\n  model")) as server:
        assert refusal(client_of(server)) == f"{HERE}status 503 (Loading model), 6 times"
    assert len(server.seen) == ATTEMPTS == 6


@pytest.mark.parametrize(("status", "hint"), [
    (400, ""), (401, ": is the key right?"), (403, ": may the key do this?"),
    (404, ": are the base URL and the model's name right?"), (201, ""), (422, "")])
def test_what_stays_wrong_is_not_asked_again(status: int, hint: str) -> None:
    assert refusal_of(failure(status, "no"), chat("a")) == f"{HERE}status {status}{hint} (no)"


def test_a_refused_key_brings_help() -> None:
    with serving(failure(401)) as server, pytest.raises(IntentError) as refused:
        client_of(server).ask(QUESTION, Spent())
    assert "`intent-tool doctor` says what is set up" in str(refused.value.diagnostics[0].help)


@pytest.mark.parametrize("member", ["code", "type"])
def test_an_empty_account_stays_empty(member: str) -> None:
    empty = whole({"error": {"message": "pay first", member: "insufficient_quota"}}, 429)
    assert refusal_of(empty, chat("a")) == HERE + "status 429 (pay first)"


@pytest.mark.parametrize(("headers", "least", "most"), [
    ({"Retry_After": "0.2"}, 0.2, 2.0),
    ({"Retry_After": "0"}, 0.0, 2.0),
    ({"Retry_After": "-5"}, 0.0, 2.0),
    ({"Retry_After": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0.0, 2.0),
    ({"retry_after_ms": "200"}, 0.2, 2.0),
    ({"retry_after_ms": "200", "Retry_After": "100"}, 0.2, 2.0),
    ({"retry_after_ms": "soon", "Retry_After": "0.2"}, 0.2, 2.0),
    ({"Retry_After": "nan"}, 0.0, 2.0),
    ({"Retry_After": "soon"}, 0.0, 2.0),
    ({"Retry_After": "Fri, 99 Foo 2015"}, 0.0, 2.0)])
def test_a_server_says_when_to_ask_again(headers: dict[str, str], least: float, most: float) -> None:
    with serving(failure(429, headers=headers), chat("a")) as server:
        start = time.monotonic()
        assert client_of(server).ask(QUESTION, Spent()).text == "a"
    assert least <= time.monotonic() - start < most


def test_a_server_says_when_to_ask_again_by_a_date() -> None:
    soon = formatdate(time.time() + 2.0, usegmt=True)
    with serving(failure(503, headers={"Retry_After": soon}), chat("a")) as server:
        start = time.monotonic()
        assert client_of(server).ask(QUESTION, Spent()).text == "a"
    assert 0.5 < time.monotonic() - start < 4


def test_too_much_patience_is_not_to_be_had() -> None:
    for headers in ({"Retry_After": "301"}, {"retry_after_ms": "301000"},
                    {"Retry_After": formatdate(time.time() + 305, usegmt=True)}):
        said = refusal_of(failure(429, "later", headers=headers), chat("a"))
        assert said.startswith(f"{HERE}status 429 (later); it asks to wait for 30") and said.endswith(" s")


def test_nothing_answers() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/v1"
        client = Client(Provider("here", url, "m", "chat", "schema", Key("")), first_wait=0.001)
        assert refusal(client) == HERE + "nothing answers there, 6 times"


@pytest.mark.parametrize(("status", "place", "shown"), [
    (301, "https://example.com/v1/chat?x=1", "https://example.com"), (302, "/elsewhere", "another place"),
    (307, "http://[", "another place"), (308, "", "another place"), (304, "//example.com", "://example.com")])
def test_a_redirect_is_not_followed(status: int, place: str, shown: str) -> None:
    said = refusal_of(failure(status, headers={"Location": place}), chat("a"))
    assert said == (f"{HERE}it redirects to {shown}, and a key goes only to where it was meant for; set "
                    "INTENT_AI_BASE_URL to the place itself")


def test_a_redirect_is_not_read_to_its_end() -> None:
    start = time.monotonic()
    assert "it redirects to https://example.com, " in refusal_of(
        Reply(302, (("Location", "https://example.com/"),), (b"x" * (17 << 20), 9.0)))
    assert time.monotonic() - start < 4


def test_the_body_of_an_error_may_be_anything() -> None:
    for body in (b"", b"[]", b"5", b"\xff",
                 b'{"error": 5}', b'{"error": {"message": {"a": 1}, "code": [], "param": {}}}'):
        assert refusal_of(whole(body, 400)) == HERE + "status 400 (it gives no reason)"
    assert refusal_of(whole(b"x", 401, Content_Encoding="gzip"), chat("a")) == \
        HERE + "status 401: is the key right? (it gives no reason)"
    assert refusal_of(Reply(404, (), (b"{",), is_cut=True), chat("a")) == \
        HERE + "status 404: are the base URL and the model's name right? (it gives no reason)"
    assert refusal_of(failure(204), chat("a")) == HERE + "status 204 (it gives no reason)"
    assert refusal_of(whole({"code": "x", "error": "as xAI does"}, 400)) == HERE + "status 400 (as xAI does)"


def test_the_stop_of_a_run_is_the_end_of_it() -> None:
    with serving(chat("a")) as server:
        client = client_of(server)
        client.stop.set()
        assert refusal(client) == "E951: the AI provider was not waited for: the run was stopped"
    assert not server.bodies or len(server.bodies) == 1

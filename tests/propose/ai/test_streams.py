"""Answers, piece by piece or whole, of both protocols; and everything that a server may send instead."""

from __future__ import annotations

import gzip
import threading
import time
from collections.abc import Callable

import pytest
from provider_server import (
    DONE,
    QUESTION,
    Reply,
    answer,
    chat,
    chat_end,
    chat_text,
    client_of,
    event,
    failure,
    message,
    refusal_of,
    response,
    response_text,
    responses,
    serving,
    stream,
    whole,
)

from intent_tool.language.diagnostics import IntentError
from intent_tool.propose.ai.answer import MOST_EVENT, BadAnswer, events
from intent_tool.propose.ai.client import Spent

HERE = "E951: the AI provider here gives no answer: "


# Good answers

def test_chat() -> None:
    found = answer(chat("mov eax, ", "42\n", "ret"))
    assert (found.text, found.is_cut, found.tokens_in, found.tokens_out, found.cost) == (
        "mov eax, 42\nret", False, 10, 5, None)


def test_responses() -> None:
    found = answer(responses("mov eax, ", "42"), api="responses")
    assert (found.text, found.is_cut, found.tokens_in, found.tokens_out) == ("mov eax, 42", False, 20, 7)


def test_what_is_asked() -> None:
    with serving(chat("x"), responses("x")) as server:
        client_of(server).ask(QUESTION, Spent())
        client_of(server, api="responses").ask(QUESTION, Spent())
    first, second = server.seen
    assert (first.path, second.path) == ("/v1/chat/completions", "/v1/responses")
    messages = [{"role": "system", "content": QUESTION.system}, {"role": "user", "content": QUESTION.user}]
    form = {"name": "answer", "strict": True, "schema": QUESTION.schema}
    assert first.body == {
        "model": "m", "stream": True, "temperature": 0.5, "messages": messages, "max_tokens": 16384,
        "stream_options": {"include_usage": True}, "response_format": {"type": "json_schema", "json_schema": form}}
    assert second.body == {
        "model": "m", "stream": True, "temperature": 0.5, "input": messages, "max_output_tokens": 16384,
        "store": False, "text": {"format": {"type": "json_schema", **form}}}


def test_comments_empty_choices_and_other_fields_are_passed_over() -> None:
    end = chat_end()
    assert answer(stream(b": keep-alive\n\n", b"event: x\nid: 1\nretry: 5\n", event({"choices": []}), chat_text("a"),
                         b":\n", chat_text("b"), end)).text == "ab"


def test_events_that_end_lines_as_windows_does() -> None:
    assert answer(Reply(200, (("Content-Type", "text/event-stream"),), tuple(
        part.replace(b"\n", b"\r\n") for part in (chat_text("a"), chat_text("b"), chat_end())))).text == "ab"


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_events_may_be_cut_anywhere(size: int) -> None:
    data = b'data: {"a":\r\ndata:1}\r\n\r\n: \xc3\xb6\n\ndata: \xc3\xb6\n\n'
    assert list(events(data[i:i + size] for i in range(0, len(data), size))) == ['{"a":\n1}', None, "ö"]


def test_the_data_of_an_event_may_be_on_several_lines() -> None:
    data = b'data: {"choices": [{"delta":\ndata: {"content": "ab"}}]}\n\n'
    assert answer(stream(data, chat_end())).text == "ab"


def test_reasoning_is_counted_and_not_shown() -> None:
    told: list[int] = []
    with serving(stream(event({"choices": [{"delta": {"reasoning_content": "hmm" * 10}}]}), chat_text("a"),
                        chat_end(usage=None))) as server:
        found = client_of(server).ask(QUESTION, Spent(), lambda tokens, seconds: told.append(tokens))
    assert (found.text, found.tokens_out) == ("a", 11) and told[0] == 10


def test_responses_with_reasoning() -> None:
    found = answer(stream(event({"type": "response.reasoning_summary_text.delta", "delta": "hm"}), response_text("a"),
                          event({"type": "response.completed", "response": response("completed")})), api="responses")
    assert found.text == "a"


@pytest.mark.parametrize(("reply", "api"), [
    (chat("a", finish="length"), "chat"),
    (responses("a", status="incomplete", incomplete_details={"reason": "max_output_tokens"}), "responses"),
    (whole(response("incomplete", "a", incomplete_details={"reason": "max_output_tokens"})), "responses"),
    (whole({"choices": [{"message": {"content": "a"}, "finish_reason": "length"}]}), "chat")])
def test_an_answer_that_got_too_long_is_cut(reply: Reply, api: str) -> None:
    found = answer(reply, api=api)
    assert found.text == "a" and found.is_cut


@pytest.mark.parametrize(("document", "api"), [
    ({"choices": [{"message": {"content": "ab"}, "finish_reason": "stop"}], "usage": {"prompt_tokens": 1}}, "chat"),
    (response("completed", "a", "b"), "responses")])
def test_an_answer_that_does_not_come_in_a_stream(document: object, api: str) -> None:
    found = answer(whole(document, Content_Type="application/json; charset=utf-8"), api=api)
    assert found.text == "ab" and not found.is_cut


def packed(reply: Reply) -> Reply:
    data = gzip.compress(b"".join(part for part in reply.parts if isinstance(part, bytes)))
    return Reply(200, (*reply.headers, ("Content-Encoding", "gzip")), tuple(
        data[i:i + 7] for i in range(0, len(data), 7)))


def test_packed_bodies() -> None:
    assert answer(packed(chat("a", "b"))).text == "ab"
    assert answer(packed(whole(response("completed", "ab"))), api="responses").text == "ab"


def test_a_stream_may_stay_open_after_its_end() -> None:
    start = time.monotonic()
    assert answer(stream(chat_text("a"), chat_end(), 5.0)).text == "a"
    assert answer(stream(*responses("a").parts, 5.0), api="responses").text == "a"
    assert time.monotonic() - start < 2


# Bad answers: not asked again

@pytest.mark.parametrize(("reply", "why"), [
    (stream(b"data: \xff\xfe\n\n"), "the stream is not UTF-8"),
    (stream(event({"choices": 5})), "the answer has another form than the protocol's"),
    (stream(event({"choices": ["x"]})), "the answer has another form than the protocol's"),
    (stream(event({"choices": {"a": 1}})), "the answer has another form than the protocol's"),
    (stream(event({"choices": [{"delta": {"content": [1]}}]})), "the answer has another form than the protocol's"),
    (stream(event({"choices": [{"finish_reason": 1}]})), "the answer has another form than the protocol's"),
    (stream(event({"choices": [], "usage": [1]})), "the answer has another form than the protocol's"),
    (stream(event([])), "the answer has another form than the protocol's"),
    (stream(event({"choices": [{"delta": {"refusal": "I must\nnot."}}]})), "the model refuses: I must not."),
    (whole(5), "the answer has another form than the protocol's"),
    (whole({"error": {"message": "no more", "code": "insufficient_quota"}}), "no more"),
    (whole({"error": {"message": "no more", "code": "x", "type": "insufficient_quota"}}), "no more"),
    (chat("x").with_headers(Content_Type="text/html; charset=utf-8"),
     "it answers with `text/html`, not with JSON or events: is the base URL right? (most end in /v1)"),
    (chat("x").with_headers(Content_Type=""),
     "it answers with nothing that it names, not with JSON or events: is the base URL right? (most end in /v1)"),
    (stream(*[chat_text("x" * 65536)] * 17), "the answer is longer than 256 KiB"),
    (stream(b"data: " + b"x" * (MOST_EVENT + 65536)), "a line of the stream is too long"),
    (stream(*[b"data: " + b"x" * 65536 + b"\n"] * 17), "an event of the stream is too long"),
    (whole(b" " * (17 << 20)), "the answer is longer than 16 MiB"),
    (stream(*[b":" + b" " * 65536 + b"\n"] * 257), "the answer is longer than 16 MiB"),
])
def test_an_answer_that_is_none(reply: Reply, why: str) -> None:
    assert refusal_of(reply, chat("not asked for")) == HERE + why


@pytest.mark.parametrize(("document", "why"), [
    ({"type": "response.output_text.delta"}, "the answer has another form than the protocol's"),
    ({"type": "response.completed", "response": []}, "the answer has another form than the protocol's"),
    ({"type": "response.completed", "response": {"output": [5]}}, "the answer has another form than the protocol's"),
    ({"type": "response.refusal.done", "refusal": "No."}, "the model refuses: No."),
    ({"type": "response.failed", "response": {"error": {"code": "content_filter", "message": "No."}}}, "No."),
    ({"type": "error", "code": "invalid_api_key", "message": "No."}, "No."),
])
def test_a_response_that_is_none(document: object, why: str) -> None:
    assert refusal_of(stream(event(document)), responses("not asked for"), api="responses") == HERE + why


def test_a_packed_megabyte_of_nothing_is_cut_off() -> None:
    bomb = gzip.compress(bytes(64 << 20), 1)
    reply = Reply(200, (("Content-Type", "application/json"), ("Content-Encoding", "gzip")), (bomb,))
    assert refusal_of(reply) == HERE + "the answer is longer than 16 MiB"


def test_what_a_server_says_cannot_garble_the_terminal() -> None:
    said = refusal_of(failure(400, "\x1b[2J\u202egnp\ud800.\x07" + "long " * 100))
    assert said.isprintable() and said.startswith(HERE + "status 400 (�[2J�gnp�.�long long") and len(said) < 400


# Broken answers: asked again

BROKEN: list[tuple[str, Reply, str]] = [
    ("no finish", stream(chat_text("a"), DONE), "the stream ended before the answer was complete"),
    ("cut between events", stream(chat_text("a")), "the stream ended before the answer was complete"),
    ("nothing", stream(), "the stream ended before the answer was complete"),
    ("cut in an event", stream(b'data: {"choi'), "the answer is not JSON"),
    ("connection lost", stream(chat_text("a"), is_cut=True), "the connection was cut in the middle of the answer"),
    ("error in the stream", stream(chat_text("a"), event({"error": {"message": "out of memory"}})), "out of memory"),
    ("error as text", stream(event({"error": "overloaded"})), "overloaded"),
    ("error without words", whole({"error": {"code": 5}}), "it gives no reason"),
    ("not JSON", whole(b"<html>"), "the answer is not JSON"),
    ("too deep", whole(b"[" * 100_000), "the answer is not JSON"),
    ("not finished", whole({"choices": [{"message": {"content": "a"}}]}),
     "the answer does not say that it is complete"),
    ("not packed", chat("a").with_headers(Content_Encoding="gzip"), "the answer cannot be unpacked"),
]


@pytest.mark.parametrize(("reply", "why"), [b[1:] for b in BROKEN], ids=[b[0] for b in BROKEN])
def test_a_broken_answer_is_asked_for_again(reply: Reply, why: str) -> None:
    with serving(reply, chat("whole")) as server:
        assert client_of(server).ask(QUESTION, Spent()).text == "whole"
    with serving(reply) as server, pytest.raises(IntentError) as refused:
        client_of(server).ask(QUESTION, Spent())
    assert message(refused.value) == f"{HERE}{why}, 6 times" and len(server.seen) == 6


# Time

@pytest.mark.parametrize("parts", [
    (5.0,), (chat_text("a"), 5.0), (b": alive\n\n", 0.1) * 50, (event({"choices": []}), 0.1) * 50,
    (b"data: {", 5.0)],
    ids=["silent", "stalls", "comments", "empty", "half an event"])
def test_a_server_that_says_nothing_is_given_up(parts: tuple[bytes | float, ...]) -> None:
    with serving(stream(*parts, chat_end()), chat("a")) as server:
        start = time.monotonic()
        assert client_of(server, silence=0.25).ask(QUESTION, Spent()).text == "a"
    assert len(server.seen) == 2 and time.monotonic() - start < 3


def test_silence_is_said() -> None:
    with serving(stream(b": alive\n", 5.0)) as server, pytest.raises(IntentError) as refused:
        client_of(server, silence=0.01).ask(QUESTION, Spent())
    assert message(refused.value) in (
        f"{HERE}no token came for 0.01 s (INTENT_AI_SILENCE gives more), 6 times",
        f"{HERE}nothing came for 0.01 s (INTENT_AI_SILENCE gives more), 6 times")


def test_an_answer_that_takes_too_long_is_not_asked_for_again() -> None:
    assert refusal_of(stream(*(chat_text("a"), 0.05) * 20), chat("a"), deadline=0.3) == \
        HERE + "the answer took longer than 0.3 s (INTENT_AI_DEADLINE gives more)"


@pytest.mark.parametrize("reply", [stream(5.0), stream(*(b":\n", 0.05) * 100), stream(chat_text("a"), 5.0),
                                   failure(503, headers={"Retry_After": "100"})],
                         ids=["silent", "alive", "stalled", "waiting to ask again"])
def test_a_stopped_run_waits_for_nobody(reply: Reply) -> None:
    with serving(reply) as server:
        client = client_of(server)
        assert stopping(client.stop, lambda: client.ask(QUESTION, Spent())) == \
            "E951: the AI provider was not waited for: the run was stopped"


def test_a_stopped_run_does_not_wait_for_the_models() -> None:
    with serving(chat("a"), models=Reply(200, (), (b" ", 5.0))) as server:
        client = client_of(server, model="")
        assert stopping(client.stop, lambda: client.ask(QUESTION, Spent())) == \
            "E951: the AI provider was not waited for: the run was stopped"


def stopping(stop: threading.Event, act: Callable[[], object]) -> str:
    """What `act` says when it is stopped a moment after it has begun, which it has to notice in half a second."""
    threading.Timer(0.15, stop.set).start()
    start = time.monotonic()
    with pytest.raises(IntentError) as refused:
        act()
    assert time.monotonic() - start < 0.65
    return message(refused.value)


def test_events_say_what_is_wrong_with_them() -> None:
    with pytest.raises(BadAnswer) as bad:
        list(events([b"data: \xff\n"]))
    assert str(bad.value) == "the stream is not UTF-8" and not bad.value.retry

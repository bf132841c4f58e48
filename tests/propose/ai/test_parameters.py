"""What a server does not take is left out or renamed, and remembered; what it needs is found out from it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from provider_server import (
    QUESTION,
    Reply,
    chat,
    client_of,
    event,
    failure,
    refusal,
    responses,
    serving,
    stream,
    whole,
)

from intent_tool.propose.ai.client import Spent

HERE = "E951: the AI provider here gives no answer: "


def refused(parameter: str, message: str = "no") -> Reply:
    return failure(400, message, param=parameter)


@pytest.mark.parametrize(("api", "shape", "parameter", "member"), [
    ("chat", "schema", "temperature", "temperature"),
    ("chat", "schema", "response_format", "response_format"),
    ("chat", "schema", "response_format.json_schema", "response_format"),
    ("chat", "schema", "json_schema", "response_format"),
    ("chat", "schema", "stream_options", "stream_options"),
    ("chat", "schema", "stream_options.include_usage", "stream_options"),
    ("chat", "grammar", "grammar", "grammar"),
    ("responses", "schema", "temperature", "temperature"),
    ("responses", "schema", "text.format", "text"),
    ("responses", "schema", "text.format.schema", "text"),
    ("responses", "schema", "store", "store"),
    ("responses", "schema", "max_output_tokens", "max_output_tokens")])
def test_a_parameter_is_left_out_for_good(api: str, shape: str, parameter: str, member: str) -> None:
    good = chat("a") if api == "chat" else responses("a")
    with serving(refused(parameter), good) as server:
        client = client_of(server, api, shape)
        for _ in range(2):
            assert client.ask(QUESTION, Spent()).text == "a"
    assert [member in body for body in server.bodies] == [True, False, False]


def test_the_limit_of_tokens_has_two_names() -> None:
    with serving(refused("max_tokens"), chat("a"), refused("max_completion_tokens"), chat("a")) as server:
        client = client_of(server)
        for _ in range(2):
            client.ask(QUESTION, Spent())
    named = [[name for name in body if name.startswith("max_")] for body in server.bodies]
    assert named == [["max_tokens"], ["max_completion_tokens"], ["max_completion_tokens"], []]
    assert server.bodies[1]["max_completion_tokens"] == 16384


@pytest.mark.parametrize(("said", "gone"), [
    ("Unsupported value: `temperature` has to be 1.", ["temperature"]),
    ("Argument not supported on this model: temperature", ["temperature"]),
    ("Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.", ["max_tokens"]),
    ("response_format is not available with stream_options", ["response_format"]),
    ("json_schema is not available", ["response_format"])])
@pytest.mark.parametrize("status", [400, 422])
def test_a_parameter_that_only_the_reason_names(said: str, gone: list[str], status: int) -> None:
    with serving(failure(status, said), chat("a")) as server:
        assert client_of(server).ask(QUESTION, Spent()).text == "a"
    first, second = server.bodies
    assert [name for name in first if name not in second] == gone


@pytest.mark.parametrize("said", ["we cannot restore grammars", "unknown"])
def test_a_reason_that_names_no_parameter(said: str) -> None:
    with serving(failure(400, said)) as server:
        assert refusal(client_of(server, shape="grammar")) == f"{HERE}status 400 ({said})"
    assert len(server.bodies) == 1


@pytest.mark.parametrize("parameter", ["messages", "model", "stream", "tools", "grammar", ""])
def test_what_cannot_go_or_is_not_there_is_an_error(parameter: str) -> None:
    with serving(refused(parameter)) as server:
        assert refusal(client_of(server)) == f"{HERE}status 400 (no)"
    assert len(server.bodies) == 1


def test_all_parameters_are_refused_one_after_the_other_and_again() -> None:
    names = ["temperature", "max_tokens", "max_completion_tokens", "response_format", "stream_options"]
    with serving(*map(refused, names), *map(refused, names)) as server:
        assert refusal(client_of(server)) == f"{HERE}status 400 (no)"
    assert len(server.bodies) == len(names) + 1
    assert sorted(server.bodies[-1]) == ["messages", "model", "stream"]


def test_a_parameter_refused_in_the_stream() -> None:
    with serving(stream(event({"error": {"message": "no", "param": "temperature"}})), chat("a")) as server:
        assert client_of(server).ask(QUESTION, Spent()).text == "a"
    assert "temperature" not in server.bodies[1]


def test_a_refused_parameter_is_no_attempt() -> None:
    with serving(refused("temperature"), *[failure(500)] * 5, chat("a")) as server:
        assert client_of(server).ask(QUESTION, Spent()).text == "a"


# Forms

def test_a_grammar_goes_to_servers_that_know_it() -> None:
    with serving(chat("a")) as server:
        client_of(server, shape="grammar").ask(QUESTION, Spent())
    body = server.bodies[0]
    assert body["grammar"] == QUESTION.grammar and body["max_tokens"] == 64 and "response_format" not in body


def test_a_refused_grammar_gives_way_to_the_schema_and_its_limit_goes_too() -> None:
    with serving(refused("grammar"), chat("a")) as server:
        client_of(server, shape="grammar").ask(QUESTION, Spent())
    body = server.bodies[1]
    assert "response_format" in body and body["max_tokens"] == 16384


def test_the_grammars_limit_keeps_to_the_name_that_the_server_knows() -> None:
    with serving(refused("max_tokens"), chat("a")) as server:
        client_of(server, shape="grammar").ask(QUESTION, Spent())
    assert server.bodies[1]["max_completion_tokens"] == 64


def test_a_question_without_a_form() -> None:
    with serving(chat("a")) as server:
        client_of(server).ask(replace(QUESTION, schema=None, grammar=None), Spent())
    assert "response_format" not in server.bodies[0]


# Models

def models(*names: str, owner: str = "me") -> Reply:
    return whole({"object": "list", "data": [{"id": name, "owned_by": owner} for name in names]})


def test_the_only_model_is_asked() -> None:
    with serving(chat("a"), models=models("tiny")) as server:
        client = client_of(server, model="")
        for _ in range(2):
            client.ask(QUESTION, Spent())
    assert [body["model"] for body in server.bodies] == ["tiny", "tiny"]
    assert [request.path for request in server.seen] == ["/v1/models", *["/v1/chat/completions"] * 2]


def test_the_model_is_asked_for_once_however_many_want_it() -> None:
    with serving(chat("a"), models=models("tiny")) as server:
        client = client_of(server, model="")
        with ThreadPoolExecutor(4) as pool:
            answers = list(pool.map(lambda _: client.ask(QUESTION, Spent()).text, range(8)))
    assert answers == ["a"] * 8 and client.spent.tokens == 8 * 15
    assert [request.path for request in server.seen].count("/v1/models") == 1


def test_llama_cpp_is_known_by_its_models() -> None:
    with serving(chat("a"), models=models("tiny", owner="llamacpp")) as server:
        client_of(server, shape="unknown").ask(QUESTION, Spent())
    assert server.bodies[0]["grammar"] == QUESTION.grammar


@pytest.mark.parametrize("answer", [models("tiny"), failure(404), whole(b"x"), whole([]), whole({"data": 5}),
                                    whole({"data": [5, {"id": 5}]}), Reply(200, (), (b'{"data": ',), is_cut=True)])
def test_other_servers_get_the_schema(answer: Reply) -> None:
    with serving(chat("a"), models=answer) as server:
        client_of(server, shape="unknown").ask(QUESTION, Spent())
    assert "grammar" not in server.bodies[0] and "response_format" in server.bodies[0]


def test_a_choice_of_models_is_the_users() -> None:
    with serving(chat("a"), models=models("tiny", "huge", "\x1b[2J")) as server:
        client = client_of(server, model="")
        assert refusal(client) == \
            "E950: INTENT_AI_MODEL is not set, and here does not say which there is: it has tiny, huge"
    assert not server.bodies


@pytest.mark.parametrize("answer", [models(), failure(404), whole({"data": {}}),
                                    failure(302, headers={"Location": "/"}),
                                    Reply(200, (), (b'{"data": ',), is_cut=True)])
def test_no_model_is_known(answer: Reply) -> None:
    with serving(chat("a"), models=answer) as server:
        assert refusal(client_of(server, model="")) == \
            "E950: INTENT_AI_MODEL is not set, and here does not say which there is"


def test_the_list_of_models_is_not_shown_without_end() -> None:
    with serving(chat("a"), models=models(*["m" * 1000] * 20)) as server:
        assert len(refusal(client_of(server, model=""))) < 500

"""What is spent, what may be, and what a server is told about it."""

from __future__ import annotations

import pytest
from provider_server import (
    QUESTION,
    chat,
    chat_text,
    client_of,
    failure,
    refusal,
    responses,
    serving,
    stream,
    whole,
)

from intent_tool.propose.ai.client import Spent

ASKED = 13
"""Tokens of `QUESTION` where nobody counts: 37 characters."""


def test_usage_is_added_up() -> None:
    with serving(chat("a", usage=(100, 20)), chat("a", usage=(1, 2))) as server:
        client, spent = client_of(server, price=(2.0, 10.0)), Spent()
        first = client.ask(QUESTION, spent)
        client.ask(QUESTION, Spent())
    assert (first.tokens_in, first.tokens_out, spent.tokens, client.spent.tokens) == (100, 20, 120, 123)
    assert (first.cost, spent.cost, client.spent.cost) == pytest.approx((400e-6, 400e-6, 422e-6))


@pytest.mark.parametrize("usage", [None, {"prompt_tokens": True, "completion_tokens": "5"},
                                   {"prompt_tokens": -5, "completion_tokens": 1 << 60}, {}])
def test_what_nobody_counts_is_estimated(usage: object) -> None:
    reply = whole({"choices": [{"message": {"content": "x" * 100}, "finish_reason": "stop"}], "usage": usage})
    with serving(reply) as server:
        client = client_of(server)
        found = client.ask(QUESTION, Spent())
    assert (found.tokens_in, found.tokens_out, client.spent.tokens) == (ASKED, 34, ASKED + 34)


def test_half_an_answer_is_paid_for() -> None:
    with serving(stream(chat_text("x" * 100)), chat("a", usage=(10, 5))) as server:
        client, spent = client_of(server), Spent()
        client.ask(QUESTION, spent)
    assert spent.tokens == client.spent.tokens == ASKED + 34 + 15


def test_a_refusal_costs_nothing() -> None:
    with serving(failure(500), failure(400)) as server:
        client, spent = client_of(server), Spent()
        refusal(client, spent=spent)
    assert spent == client.spent == Spent()


def test_the_budget_of_an_intent() -> None:
    with serving(chat("a", usage=(60, 40))) as server:
        client, spent = client_of(server, tokens=200), Spent()
        client.ask(QUESTION, spent)
        client.ask(QUESTION, spent)
        assert refusal(client, spent=spent) == "E952: the budget of 200 tokens for one intent and target is used up"
        client.ask(QUESTION, Spent())
    assert [body["max_tokens"] for body in server.bodies] == [200, 100, 200]


def test_the_budget_of_a_run() -> None:
    with serving(chat("a", usage=(600, 400))) as server:
        client = client_of(server, run_tokens=2000)
        client.ask(QUESTION, Spent())
        client.ask(QUESTION, Spent())
        assert refusal(client) == "E952: the budget of 2,000 tokens for a run is used up"
    assert [body["max_tokens"] for body in server.bodies] == [2000, 1000]


def test_the_dollars_of_an_intent() -> None:
    with serving(responses("a")) as server:
        client, spent = client_of(server, "responses", price=(100.0, 1000.0), cost=0.012), Spent()
        client.ask(QUESTION, spent)
        assert spent.cost == pytest.approx(0.009)
        client.ask(QUESTION, spent)
        assert refusal(client, spent=spent) == \
            "E952: the budget of 0.012 US dollars for one intent and target is used up"
    assert [body["max_output_tokens"] for body in server.bodies] == [12, 3]


def test_the_dollars_of_a_run() -> None:
    with serving(chat("a")) as server:
        client = client_of(server, price=(1e6, 0.0), run_cost=10)
        client.ask(QUESTION, Spent())
        assert refusal(client) == "E952: the budget of 10 US dollars for a run is used up"
    assert [body["max_tokens"] for body in server.bodies] == [16384]


def test_the_budget_ends_attempts_too() -> None:
    with serving(stream(chat_text("x" * 300))) as server:
        assert refusal(client_of(server, tokens=200)) == \
            "E952: the budget of 200 tokens for one intent and target is used up"
    assert [body["max_tokens"] for body in server.bodies] == [200, 200 - ASKED - 100]


def test_the_most_that_an_answer_may_have() -> None:
    with serving(chat("a")) as server:
        client_of(server, answer_tokens=50).ask(QUESTION, Spent())
        client_of(server, shape="grammar", answer_tokens=50).ask(QUESTION, Spent())
    assert [body["max_tokens"] for body in server.bodies] == [50, 50]


def test_the_way_of_an_answer_is_told() -> None:
    told: list[tuple[int, float]] = []
    with serving(chat("x" * 30, "y" * 30, usage=(7, 8))) as server:
        client_of(server).ask(QUESTION, Spent(), lambda tokens, seconds: told.append((tokens, seconds)))
    assert [tokens for tokens, _ in told] == [10, 20, 20, 8]
    assert [seconds for _, seconds in told] == sorted(seconds for _, seconds in told)

"""Whom the environment says to ask, which key goes there, and what is refused: the variable is named each time."""

from __future__ import annotations

import copy
import dataclasses
import math
import pickle

import pytest
from provider_server import message

from intent_tool.language.diagnostics import IntentError
from intent_tool.propose.ai.provider import (
    KEY_VARIABLES,
    PRESETS,
    Key,
    Limits,
    Provider,
    is_configured,
    is_loopback,
    provider_from,
    without_keys,
)

XAI = {"INTENT_AI_MODEL": "grok", "XAI_API_KEY": "xai-secret"}


def provider(**variables: str) -> Provider:
    return provider_from(variables)


def refusal(**variables: str) -> str:
    with pytest.raises(IntentError) as refused:
        provider_from(variables)
    return message(refused.value)


# Whom to ask

@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_says_where_and_how(name: str) -> None:
    preset, found = PRESETS[name], provider(INTENT_AI_PROVIDER=name, INTENT_AI_MODEL="m")
    assert (found.name, found.base_url, found.api, found.shape) == (name, preset.base_url, preset.api, preset.shape)
    assert found.is_local == (preset.key is None)
    assert found.model == "m" and not found.key and found.price is None and found.limits == Limits()


def test_a_key_and_a_model_name_the_service() -> None:
    assert provider(**XAI).name == "xai"
    assert provider(INTENT_AI_MODEL="gpt", OPENAI_API_KEY="k").name == "openai"


def test_an_address_names_the_service() -> None:
    assert provider(INTENT_AI_BASE_URL="https://api.openai.com/v1/", INTENT_AI_MODEL="gpt").name == "openai"


def test_an_unknown_server_is_named_by_its_host_and_is_asked_for_its_shape() -> None:
    found = provider(INTENT_AI_BASE_URL="http://[::1]:8080/v1//")
    assert (found.name, found.base_url, found.api, found.shape, found.model) == (
        "[::1]:8080", "http://[::1]:8080/v1", "chat", "unknown", "")


def test_what_the_user_says_goes_before_the_preset() -> None:
    found = provider(INTENT_AI_PROVIDER="ollama", INTENT_AI_BASE_URL="http://[::1]:9/v1", INTENT_AI_API="responses")
    assert (found.base_url, found.api, found.shape) == ("http://[::1]:9/v1", "responses", "schema")


@pytest.mark.parametrize(("url", "is_it"), [
    ("http://localhost/v1", True), ("http://a.localhost", True), ("http://127.9.9.9:1", True), ("http://[::1]", True),
    ("http://localhost.example.com", False), ("http://10.0.0.1", False), ("http://0.0.0.0", False), ("", False)])
def test_loopback(url: str, is_it: bool) -> None:
    assert is_loopback(url) == is_it


def test_a_key_alone_asks_nobody() -> None:
    assert not is_configured({**dict.fromkeys(KEY_VARIABLES, "k"), "INTENT_AI_TOKENS": "1"})
    for name in ("INTENT_AI_PROVIDER", "INTENT_AI_BASE_URL", "INTENT_AI_MODEL"):
        assert is_configured({name: "x"}) and not is_configured({name: ""})


def test_nothing_is_set_up() -> None:
    with pytest.raises(IntentError) as refused:
        provider_from({"INTENT_AI_KEY": "k", "INTENT_AI_MODEL": "m"})
    assert message(refused.value) == "E950: no AI provider is set up"
    assert "INTENT_AI_PROVIDER" in str(refused.value.diagnostics[0].help)


def test_a_service_has_no_model_of_its_own_accord() -> None:
    assert refusal(XAI_API_KEY="k", INTENT_AI_MODEL="  ") == \
        "E950: INTENT_AI_MODEL is not set: xai has many models, and no name lasts"


# The key

def key(**variables: str) -> str:
    return provider(INTENT_AI_MODEL="m", **variables).key.reveal()


ALL_KEYS = {"XAI_API_KEY": "xai-secret", "OPENAI_API_KEY": "openai-secret"}


@pytest.mark.parametrize("where", [{"INTENT_AI_PROVIDER": "xai"}, {"INTENT_AI_PROVIDER": "ollama"},
                                   {"INTENT_AI_BASE_URL": "http://example.com/v1"}])
def test_the_tools_own_key_goes_first_and_wherever_the_user_says(where: dict[str, str]) -> None:
    assert key(INTENT_AI_KEY=" own\n", **ALL_KEYS, **where) == "own"


def test_a_services_key_goes_to_that_service() -> None:
    assert key(INTENT_AI_PROVIDER="xai", **ALL_KEYS) == "xai-secret"
    assert key(INTENT_AI_PROVIDER="openai", **ALL_KEYS) == "openai-secret"
    assert key(INTENT_AI_PROVIDER="openai", XAI_API_KEY="xai-secret") == ""


@pytest.mark.parametrize("name", ["ollama", "llama.cpp", "vllm"])
def test_a_local_server_gets_no_services_key(name: str) -> None:
    assert key(INTENT_AI_PROVIDER=name, **ALL_KEYS) == ""


@pytest.mark.parametrize("url", ["https://proxy.example.com/v1", "HTTPS://proxy.example.com/v1", "http://localhost:1/v1",
                                 "http://127.0.0.1:1/v1", "http://[::1]:1/v1"])
def test_a_services_key_goes_to_an_address_that_nobody_can_listen_in_on(url: str) -> None:
    assert key(INTENT_AI_PROVIDER="openai", INTENT_AI_BASE_URL=url, **ALL_KEYS) == "openai-secret"
    assert key(INTENT_AI_BASE_URL=url, OPENAI_API_KEY="openai-secret") == "openai-secret"


@pytest.mark.parametrize("where", [{"INTENT_AI_PROVIDER": "openai", "INTENT_AI_BASE_URL": "http://example.com/v1"},
                                   {"INTENT_AI_BASE_URL": "http://example.com/v1"}])
def test_a_services_key_goes_nowhere_without_encryption(where: dict[str, str]) -> None:
    assert refusal(INTENT_AI_MODEL="m", **ALL_KEYS, **where) == \
        "E950: the key would go to http://example.com/v1 without encryption"


@pytest.mark.parametrize("text", ["two words", "line\nend", "“quoted”", "\x00"])
def test_a_key_with_characters_that_no_key_has_is_refused_and_not_shown(text: str) -> None:
    said = refusal(INTENT_AI_PROVIDER="xai", INTENT_AI_MODEL="m", INTENT_AI_KEY=f"sk{text}")
    assert said == "E950: the key holds characters that no key has" and text not in said


def test_a_blank_key_is_none() -> None:
    assert key(INTENT_AI_BASE_URL="https://example.com", XAI_API_KEY=" ", OPENAI_API_KEY="k") == "k"


def test_a_key_does_not_show_itself() -> None:
    found = provider(**XAI)
    shown = f"{found.key} {found.key!r} {found!r} {found} {[found.key]} {found.key:}"
    assert "xai-secret" not in shown and "Key(…)" in shown and repr(Key("")) == "Key()"


def test_a_key_cannot_be_packed() -> None:
    for pack in (pickle.dumps, copy.deepcopy, dataclasses.asdict):
        with pytest.raises(TypeError) as refused:
            pack(provider(**XAI))
        assert str(refused.value) == "a key stays in the process that holds it"


def test_a_key_is_hidden_in_what_others_say() -> None:
    assert Key("xai-secret").hidden_in("no xai-secret, xai-secrets!") == "no [key], [key]s!"
    assert Key("").hidden_in("text") == "text"


def test_a_word_that_is_no_secret_is_not_hidden() -> None:
    """Local servers are given any word; hiding that would garble everything."""
    assert Key("1").hidden_in("status 401") == "status 401"


def test_other_processes_get_no_key() -> None:
    assert without_keys({**dict.fromkeys(KEY_VARIABLES, "k"), "PATH": "/bin", "INTENT_AI_MODEL": "m"}) == {
        "PATH": "/bin", "INTENT_AI_MODEL": "m"}


# What cannot be

@pytest.mark.parametrize("url", [
    "localhost:8080", "ftp://example.com", "http://", "http://:80/", "http://h:0/", "http://h:99999/", "http://h:x/",
    "http://h /v1", "http://h/v 1", "http://[::1/v1", "http://höst/v1", "http://h/\x00", "http://evil.com\\.localhost",
    "file:///etc/passwd", "//h/v1"])
def test_an_address_that_is_none(url: str) -> None:
    said = refusal(INTENT_AI_BASE_URL=url)
    assert said.startswith("E950: INTENT_AI_BASE_URL=") and said.endswith(": it is like http://localhost:8080/v1")
    assert said.isprintable()


@pytest.mark.parametrize("url", ["https://user:hunter2@example.com/v1", "hunter2@example.com", "https://h/v1@hunter2"])
def test_a_password_in_an_address_is_refused_and_not_shown(url: str) -> None:
    said = refusal(INTENT_AI_BASE_URL=url, INTENT_AI_MODEL="m")
    assert said == "E950: INTENT_AI_BASE_URL holds a user's name or a password"


@pytest.mark.parametrize("url", ["https://example.com/v1?key=hunter2", "https://example.com/v1#hunter2"])
def test_a_query_in_an_address_is_refused_and_not_shown(url: str) -> None:
    said = refusal(INTENT_AI_BASE_URL=url, INTENT_AI_MODEL="m")
    assert said == "E950: INTENT_AI_BASE_URL holds a query or a fragment"


@pytest.mark.parametrize(("variable", "value", "form"), [
    ("INTENT_AI_PROVIDER", "grok", "it is one of xai, openai, ollama, llama.cpp, vllm"),
    ("INTENT_AI_API", "soap", "it is one of chat, responses"),
    ("INTENT_AI_ROUNDS", "0", "it is a whole number above 0"),
    ("INTENT_AI_TOKENS", "1.5", "it is a whole number above 0"),
    ("INTENT_AI_RUN_TOKENS", "many", "it is a whole number above 0"),
    ("INTENT_AI_ANSWER_TOKENS", "-1", "it is a whole number above 0"),
    ("INTENT_AI_COST", "nan", "it is a number above 0"),
    ("INTENT_AI_RUN_COST", "inf", "it is a number above 0"),
    ("INTENT_AI_SILENCE", "0", "it is a number above 0"),
    ("INTENT_AI_DEADLINE", "1 h", "it is a number above 0"),
])
def test_a_value_that_cannot_be_is_shown_with_its_variable(variable: str, value: str, form: str) -> None:
    assert refusal(**{**XAI, variable: value}) == f"E950: {variable}={value}: {form}"


@pytest.mark.parametrize("price", ["1", "1/2/3", "-1/2", "1/-2", "nan/1", "1/nan", "inf/1", "a/b", "/"])
def test_a_price_that_is_none(price: str) -> None:
    assert refusal(**XAI, INTENT_AI_PRICE=price) == \
        f"E950: INTENT_AI_PRICE={price}: it is dollars for a million tokens read and written, like 0.20/1.50"


@pytest.mark.parametrize("value", ["1" * 400, "9" * 5000])
def test_a_number_beyond_all_measure(value: str) -> None:
    assert refusal(**XAI, INTENT_AI_TOKENS=value) == \
        f"E950: INTENT_AI_TOKENS='{value[:80]}'…: it is a whole number above 0"


def test_a_value_that_would_garble_the_terminal_is_quoted() -> None:
    assert refusal(INTENT_AI_PROVIDER="\x1b[2J") == \
        r"E950: INTENT_AI_PROVIDER='\x1b[2J'…: it is one of xai, openai, ollama, llama.cpp, vllm"


# Prices and limits

def test_limits_and_price() -> None:
    found = provider(**XAI, INTENT_AI_PRICE="0.20/1.50", INTENT_AI_ROUNDS="3", INTENT_AI_TOKENS="1000",
                     INTENT_AI_RUN_TOKENS="2000", INTENT_AI_COST="0.5", INTENT_AI_RUN_COST="2",
                     INTENT_AI_ANSWER_TOKENS="100", INTENT_AI_SILENCE="1.5", INTENT_AI_DEADLINE="9")
    assert found.price == (0.20, 1.50)
    assert found.limits == Limits(3, 1000, 2000, 0.5, 2.0, 100, 1.5, 9.0)


def test_costs_have_no_limit_of_their_own() -> None:
    assert (Limits().cost, Limits().run_cost) == (math.inf, math.inf)


@pytest.mark.parametrize("variable", ["INTENT_AI_COST", "INTENT_AI_RUN_COST"])
def test_a_limit_on_costs_needs_the_price(variable: str) -> None:
    assert refusal(**{**XAI, variable: "1"}) == "E950: a limit on costs needs the price: INTENT_AI_PRICE is not set"
    assert provider(**{**XAI, variable: "1", "INTENT_AI_PRICE": "0/0"}).price == (0, 0)

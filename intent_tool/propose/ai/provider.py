"""Which model is asked, and how: what the environment says."""

from __future__ import annotations

import ipaddress
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from intent_tool.language.diagnostics import IntentError, error

GENERATORS = ("auto", "ai", "local")
"""Who finds code: this tool, and a provider where it finds none; the provider first; never a provider."""
KEY_VARIABLES = ("INTENT_AI_KEY", "XAI_API_KEY", "OPENAI_API_KEY")
"""What holds a secret. No process that the tool starts inherits them."""
APIS = ("chat", "responses")
SETUP = ("set INTENT_AI_PROVIDER (xai, openai, ollama, llama.cpp or vllm) or INTENT_AI_BASE_URL, INTENT_AI_MODEL, "
         "and the key in XAI_API_KEY, OPENAI_API_KEY or INTENT_AI_KEY")


@dataclass(frozen=True, slots=True)
class Preset:
    """What is known of a service or a server. `key` is the variable that holds its key, None where it needs none."""

    base_url: str
    api: str
    key: str | None
    shape: str
    """How an answer's form can be prescribed: ``schema`` (a JSON schema), ``grammar`` (llama.cpp's GBNF)."""


PRESETS = {
    # Chat Completions is deprecated there.
    "xai": Preset("https://api.x.ai/v1", "responses", "XAI_API_KEY", "schema"),
    "openai": Preset("https://api.openai.com/v1", "responses", "OPENAI_API_KEY", "schema"),
    "ollama": Preset("http://localhost:11434/v1", "chat", None, "schema"),
    "llama.cpp": Preset("http://localhost:8080/v1", "chat", None, "grammar"),
    "vllm": Preset("http://localhost:8000/v1", "chat", None, "schema"),
}


class Key:
    """A secret, which shows itself only to who asks for it by name."""

    __slots__ = ("_text",)
    SHORTEST_SECRET = 8
    """Local servers are given any word; hiding that would garble what they say."""

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        return self._text

    def hidden_in(self, text: str) -> str:
        """`text` without the key, for what repeats a server's words. Cut it afterwards: half a key is one, too."""
        return text.replace(self._text, "[key]") if len(self._text) >= self.SHORTEST_SECRET else text

    def __repr__(self) -> str:
        return "Key(…)" if self._text else "Key()"

    def __bool__(self) -> bool:
        return bool(self._text)

    def __reduce__(self) -> str:
        raise TypeError("a key stays in the process that holds it")


@dataclass(frozen=True, slots=True)
class Limits:
    """What may be spent. Tokens and US dollars count for one intent on one target, and for a whole run."""

    rounds: int = 10
    tokens: int = 200_000
    run_tokens: int = 2_000_000
    cost: float = math.inf
    run_cost: float = math.inf
    answer_tokens: int = 16_384
    """Of one answer; reasoning counts, too."""
    silence: float = 900.0
    """Seconds without a token before a model is given up: reasoning takes minutes."""
    deadline: float = 3600.0
    """Seconds for one answer."""


@dataclass(frozen=True, slots=True)
class Provider:
    name: str
    """Of the preset, or the server's host."""
    base_url: str
    """Without a slash at the end."""
    model: str
    """Empty where the server has one model only, which is then asked for."""
    api: str
    shape: str
    """As of the preset; ``unknown`` where the server has to be asked."""
    key: Key = field(default_factory=lambda: Key(""))
    price: tuple[float, float] | None = None
    """US dollars for a million tokens read and written; None where nobody said."""
    limits: Limits = field(default_factory=Limits)

    @property
    def is_local(self) -> bool:
        return is_loopback(self.base_url)


def is_configured(environment: Mapping[str, str]) -> bool:
    """Whether somebody said whom to ask. A key alone asks nobody: other programs want it, too."""
    return any(environment.get(name) for name in ("INTENT_AI_PROVIDER", "INTENT_AI_BASE_URL", "INTENT_AI_MODEL"))


def provider_from(environment: Mapping[str, str]) -> Provider:
    """The provider that the variables describe. Raises `IntentError` (E950) for what cannot be."""
    name = environment.get("INTENT_AI_PROVIDER", "")
    url = environment.get("INTENT_AI_BASE_URL", "")
    if url:
        url = _base_url(url)
    if name and name not in PRESETS:
        raise _wrong("INTENT_AI_PROVIDER", name, f"it is one of {', '.join(PRESETS)}")
    if not name:
        name = _named_by(url, environment)
    preset = PRESETS.get(name)
    if preset is None and not url:
        raise error("E950", "no AI provider is set up", help=SETUP)
    base_url = url or (preset.base_url if preset is not None else "")
    model = environment.get("INTENT_AI_MODEL", "").strip()
    if not model and preset is not None and preset.key is not None:
        raise error("E950", f"INTENT_AI_MODEL is not set: {name} has many models, and no name lasts",
                    help="set it to a model that your key may use")
    api = environment.get("INTENT_AI_API", "") or (preset.api if preset is not None else "chat")
    if api not in APIS:
        raise _wrong("INTENT_AI_API", api, f"it is one of {', '.join(APIS)}")
    return Provider(name or urlsplit(base_url).netloc, base_url, model, api,
                    preset.shape if preset is not None else "unknown", _key(name, base_url, environment),
                    _price(environment), _limits(environment))


def is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def without_keys(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment for processes that need no key."""
    return {name: value for name, value in environment.items() if name not in KEY_VARIABLES}


def _named_by(url: str, environment: Mapping[str, str]) -> str:
    """The preset that goes without saying; empty for a server that is known by its address alone."""
    services = {name: preset for name, preset in PRESETS.items() if preset.key is not None}
    if url:
        host = urlsplit(url).hostname
        return next((n for n, p in services.items() if urlsplit(p.base_url).hostname == host), "")
    return next((n for n, p in services.items() if environment.get(p.key or "")), "")


def _base_url(text: str) -> str:
    if "@" in text:
        raise error("E950", "INTENT_AI_BASE_URL holds a user's name or a password",
                    help="put the key into INTENT_AI_KEY, which is kept out of logs and files")
    if "?" in text or "#" in text:
        raise error("E950", "INTENT_AI_BASE_URL holds a query or a fragment",
                    help="put the key into INTENT_AI_KEY, which is kept out of logs and files")
    try:
        parts = urlsplit(text)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
        # Programs disagree about where a host with a backslash ends.
        good = good and all("!" <= c <= "~" and c != "\\" for c in text)
    except ValueError:
        good = False
    if not good:
        raise _wrong("INTENT_AI_BASE_URL", text, "it is like http://localhost:8080/v1")
    return text.rstrip("/")


def _key(name: str, base_url: str, environment: Mapping[str, str]) -> Key:
    """The key for this address. A service's own key goes to the service, and to addresses that the user chose for
    it where nobody can listen in."""
    own = environment.get("INTENT_AI_KEY", "").strip()
    preset = PRESETS.get(name)
    if not own:
        names = [preset.key] if preset is not None else ["XAI_API_KEY", "OPENAI_API_KEY"]
        own = next((environment[n].strip() for n in names if n is not None and environment.get(n, "").strip()), "")
        if own and not (urlsplit(base_url).scheme == "https" or is_loopback(base_url)):
            raise error("E950", f"the key would go to {base_url} without encryption",
                        help="use https://, or set INTENT_AI_KEY, which goes to wherever you say")
    if not all("!" <= c <= "~" for c in own):
        raise error("E950", "the key holds characters that no key has",
                    help="look for quotes and line ends around it")
    return Key(own)


def _price(environment: Mapping[str, str]) -> tuple[float, float] | None:
    text = environment.get("INTENT_AI_PRICE", "")
    if not text:
        return None
    try:
        read, written = (float(part) for part in text.split("/"))
        if min(read, written) >= 0 and math.isfinite(read + written):
            return read, written
    except ValueError:
        pass
    raise _wrong("INTENT_AI_PRICE", text, "it is dollars for a million tokens read and written, like 0.20/1.50")


def _limits(environment: Mapping[str, str]) -> Limits:
    usual = Limits()

    def number(variable: str, default: float, whole: bool) -> float:
        text = environment.get(variable, "")
        if not text:
            return default
        try:
            value = int(text) if whole else float(text)
            if value > 0 and math.isfinite(value):
                return value
        except (ValueError, OverflowError):
            pass
        raise _wrong(variable, text, f"it is a {'whole ' if whole else ''}number above 0")

    limits = Limits(
        int(number("INTENT_AI_ROUNDS", usual.rounds, True)), int(number("INTENT_AI_TOKENS", usual.tokens, True)),
        int(number("INTENT_AI_RUN_TOKENS", usual.run_tokens, True)), number("INTENT_AI_COST", usual.cost, False),
        number("INTENT_AI_RUN_COST", usual.run_cost, False),
        int(number("INTENT_AI_ANSWER_TOKENS", usual.answer_tokens, True)),
        number("INTENT_AI_SILENCE", usual.silence, False), number("INTENT_AI_DEADLINE", usual.deadline, False))
    if (limits.cost < math.inf or limits.run_cost < math.inf) and not environment.get("INTENT_AI_PRICE"):
        raise error("E950", "a limit on costs needs the price: INTENT_AI_PRICE is not set",
                    help="it is dollars for a million tokens read and written, like 0.20/1.50")
    return limits


def _wrong(variable: str, value: str, form: str) -> IntentError:
    shown = value if len(value) <= 80 and value.isprintable() else f"{value[:80]!r}…"
    return error("E950", f"{variable}={shown}: {form}")

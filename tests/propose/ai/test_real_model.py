"""`INTENT_AI_BASE_URL=… pytest -m ai`: a real model, whichever the environment describes, on trivial intents."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import real_provider

from intent_tool.machine.target import load_targets

sys.path.insert(0, str(Path(__file__).parents[2] / "bench"))
import model

LEAST = {"x86_64": 6, "arm64": 3}
"""Of eight, for a code model of 1.5 billion parameters."""


@pytest.mark.ai
@pytest.mark.parametrize("target", LEAST)
def test_a_model_finds_trivial_code(target: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert real_provider.VARIABLES, "no provider is set up: INTENT_AI_BASE_URL and the others describe it"
    found = []
    for made in model.outcomes([load_targets()[target]], real_provider.VARIABLES, list(model.INTENTS)):
        with capsys.disabled():
            print(f"\n{made.intent:13} {made.target:8} {made.round or '-':>5}  {made.code}", end="", flush=True)
        found.append(made)
    assert sum(made.round is not None for made in found) >= LEAST[target]

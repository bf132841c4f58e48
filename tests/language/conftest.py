"""``pytest tests/language --update-cases`` rewrites what the bad cases expect; look at the difference."""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-cases", action="store_true", help="rewrite the errors that tests/language expects")

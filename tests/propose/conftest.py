from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-refusals", action="store_true", help="rewrite the errors that tests/propose expects")

"""Here so that pytest puts this folder on the path: several suites share `random_contracts`, `random_expressions` and
`provider_server`. And no test may ask the AI provider of whoever runs it."""

import pytest
import real_provider

assert real_provider

LONG = ("test_interrupted_builds", "test_random_contracts")
"""Modules of tests that take minutes. Started last, they would keep one processor busy and the others idle."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: item.path.stem not in LONG)

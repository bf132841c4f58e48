"""The AI provider of whoever runs the tests: taken out of the environment, so that no test asks it by accident."""

from __future__ import annotations

import os

from intent_tool.propose.ai.provider import KEY_VARIABLES

VARIABLES = {name: value for name, value in os.environ.items()
             if name.startswith("INTENT_AI_") or name in KEY_VARIABLES}
for _name in VARIABLES:
    del os.environ[_name]

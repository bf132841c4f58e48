"""Here so that pytest puts this folder on the path: several suites share `random_contracts`, `random_expressions` and
`provider_server`. And no test may ask the AI provider of whoever runs it."""

import os

for _name in list(os.environ):
    if _name.startswith("INTENT_AI_") or _name in ("XAI_API_KEY", "OPENAI_API_KEY"):
        del os.environ[_name]

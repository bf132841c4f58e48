"""Here so that pytest puts this folder on the path: several suites share `random_contracts`, `random_expressions` and
`provider_server`. And no test may ask the AI provider of whoever runs it."""

import real_provider

assert real_provider

"""Here so that pytest puts this folder on the path: `random_contracts` is shared by several suites."""

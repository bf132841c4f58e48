"""Here so that pytest puts this folder on the path: several suites share `random_contracts` and
`random_expressions`."""

"""The commands of `intent-tool`: a module each, with `SUMMARY`, `add_arguments` and `run`."""

"""``python -m intent_tool`` is ``intent-tool``."""

from intent_tool.cli import main

if __name__ == "__main__":
    raise SystemExit(main())

"""The emulators' harnesses and the instruction tables' instances are shared with tests/machine."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "machine"))

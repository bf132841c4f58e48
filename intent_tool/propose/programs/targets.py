"""The glue of each ISA."""

from __future__ import annotations

from collections.abc import Mapping

from intent_tool.propose.programs.machine import Machine
from intent_tool.propose.programs.machine_arm64 import Arm64Machine
from intent_tool.propose.programs.machine_riscv64 import RiscvMachine
from intent_tool.propose.programs.machine_x86_64 import X86Machine

MACHINES: Mapping[str, type[Machine]] = {"x86_64": X86Machine, "arm64": Arm64Machine, "riscv64": RiscvMachine}

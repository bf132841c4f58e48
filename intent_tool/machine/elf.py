"""ELF files of machine code: objects, executables without libc, shared objects, archives.

LIEF cannot create a file from nothing, so these are written here; LIEF then reads back every file, and what it finds
is compared with what was meant. Equal input gives equal bytes.
"""

from __future__ import annotations

from intent_tool.machine.archive import write_archive
from intent_tool.machine.elf_executable import write_executable
from intent_tool.machine.elf_object import write_object, write_objects
from intent_tool.machine.elf_read_back import ElfMismatch, read_back
from intent_tool.machine.elf_shared import write_shared

__all__ = ["ElfMismatch", "read_back", "write_archive", "write_executable", "write_object", "write_objects",
           "write_shared"]

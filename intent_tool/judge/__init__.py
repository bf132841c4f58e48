"""Judge (trusted): sees contract, target and bytes, and says a verdict.

The way of a function: elf.py reads the file, image.py takes the function out, layout.py puts it into memory,
decode_*.py and admit.py look at every instruction, calls.py turns inputs into registers and buffers, the harness runs
them (emulate.py, embedded.py), compare.py and stops.py say what went wrong, examples.py asks the contract's examples.
programs.py does the same for executables.

What `tested` rests on: CPython and the oracle in `language`; capstone's decoding of x86-64 and A64; that qemu-user
and unicorn, which share their ancestry, execute the admitted instructions as processors do; that inputs that were
not tried behave as those that were. What nobody has looked at stands in `Verdict.unchecked`.
"""

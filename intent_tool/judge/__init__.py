"""Judge (trusted): sees contract, target and bytes, and says a verdict.

The way of a function: elf.py reads the file, image.py takes the function out, layout.py puts it into memory,
decode_*.py and admit.py look at every instruction. Then it is run: calls.py turns inputs into registers and buffers,
the harness runs them (emulate.py, embedded.py), compare.py and stops.py say what went wrong, examples.py asks the
contract's examples. What passes is proved (evidence.py): lift.py and semantics*.py give each instruction a meaning,
execute.py and memory.py follow all paths over the free variables of symbolic_call.py, meaning*.py read the contract,
prove.py asks whether the two agree, portfolio.py has the solvers in solve_*.py answer, replay.py makes the call of a
counterexample. contract_proof.py proves that the contract has a value.

The way of a program: program_image.py and system_calls.py look at the executable, program_inputs.py and
program_cases.py choose inputs and trouble, program_runs.py runs it (kernel.py is Linux around unicorn),
program_outcome.py says what went wrong; programs.py holds that together.

What a proof rests on stands in SOUNDNESS.md. What `tested` rests on: CPython and the oracle in `language`; capstone's
decoding of x86-64 and A64; that qemu-user and unicorn, which share their ancestry, execute the admitted instructions
as processors do; that inputs that were not tried behave as those that were. What nobody has looked at stands in
`Verdict.unchecked`.
"""

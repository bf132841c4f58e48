"""Measures the proofs of the gallery: `python tests/bench/proofs.py [TARGET,… | all] [--jobs N] [--seconds S]`.

Every function is generated and assembled first; the time is that of the proofs alone, of the contract and of the
function, with nothing kept from before. What is not proved is listed with its reason.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Measured:
    intent: str
    target: str
    status: str
    why: str
    contract: str
    contract_seconds: float
    seconds: float
    solvers: tuple[str, ...]


def measure(job: tuple[str, str, float]) -> Measured | None:
    """One intent for one target; None for a program and for what is not meant for the target."""
    from intent_tool.judge.contract_proof import prove_contract
    from intent_tool.judge.prove import prove_function
    from intent_tool.language.load import load_intent
    from intent_tool.machine.assembler import assemble
    from intent_tool.machine.target import load_targets
    from intent_tool.pipeline import write_binary
    from intent_tool.propose import candidates

    path, name, seconds = job
    contract = load_intent(Path(path), ROOT)
    if contract.signature is None:
        return None
    target = load_targets()[name]
    candidate = next(iter(candidates(contract, target)))
    binary = write_binary(contract, target, assemble(candidate.assembly, target))
    start = time.perf_counter()
    sound = prove_contract(contract, seconds)
    middle = time.perf_counter()
    proof = prove_function(contract, target, binary, contract.signature.name, seconds)
    return Measured(str(Path(path).relative_to(ROOT)), name, proof.status, "; ".join(proof.problems),
                    sound.status + (f" ({sound.why})" if sound.why else ""), middle - start,
                    time.perf_counter() - middle, proof.solvers)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("targets", nargs="?", default="all")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=6.0)
    parser.add_argument("--intents", default="intents/**/*.intent")
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    sys.path.insert(0, str(ROOT))
    from intent_tool.machine.target import load_targets, select_targets

    paths = sorted(str(p) for p in ROOT.glob(options.intents))
    everything: list[Measured] = []
    for target in select_targets(options.targets, load_targets()):
        start = time.perf_counter()
        with ProcessPoolExecutor(options.jobs, mp_context=get_context("spawn")) as pool:
            jobs = [(p, target.name, options.seconds) for p in paths]
            found = [m for m in pool.map(measure, jobs, chunksize=4) if m is not None]
        wall = time.perf_counter() - start
        everything += found
        counts = Counter(m.status for m in found)
        proofs = [m.seconds for m in found]
        contracts = [m.contract_seconds for m in found]
        share = counts["proved"] / len(found)
        print(f"{target.name:12} {len(found)} functions: " + ", ".join(f"{n} {s}" for s, n in counts.most_common())
              + f" ({share:.1%} proved); a proof takes {statistics.median(proofs):.3f} s (median), "
              f"{max(proofs):.1f} s (most), {sum(proofs):.0f} s in all, the contracts {sum(contracts):.0f} s; "
              f"{wall:.0f} s with {options.jobs} processes, generation included")
        by = Counter(s for m in found for s in m.solvers)
        print(" " * 13 + "had a part: " + ", ".join(f"{s} {n}" for s, n in by.most_common()))
        for m in found:
            if m.status != "proved" or not m.contract.startswith("proved"):
                print(f"    {m.intent}: {m.status}: {m.why or 'the contract: ' + m.contract} ({m.seconds:.1f} s)")
    if options.output:
        options.output.write_text(json.dumps([asdict(m) for m in everything], indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())

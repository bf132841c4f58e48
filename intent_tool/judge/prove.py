"""The proof of a function: for every input, over the bytes of the finished file.

Contract and code become formulas over the same free variables; what the contract, the ABI and memory demand become
questions, and solvers answer them. With buffers of variable length each length up to a bound is proved on its own,
and the result is `bounded`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import product

from intent_tool.judge.admit import admit_function
from intent_tool.judge.bitvector import Graph, Term, evaluate, topological
from intent_tool.judge.budget import SECONDS, Budget
from intent_tool.judge.calls import Arguments
from intent_tool.judge.execute import MOST_ROUNDS, Cut, Demand, Executor, Outcome, State, Undecided
from intent_tool.judge.image import Image, read_image
from intent_tool.judge.layout import Placed
from intent_tool.judge.meaning import Meaning, NotUnderstood, Number, ensured, meaning
from intent_tool.judge.memory import TooMany
from intent_tool.judge.portfolio import PROVED, REFUTED, Question, decide, refutes
from intent_tool.judge.refusal import Refused
from intent_tool.judge.semantics import Semantics
from intent_tool.judge.symbolic_call import ARGUMENT_SLOTS, RED_ZONE, SymbolicCall, passed, symbolic_call
from intent_tool.judge.symbolic_inputs import arguments_of, element, length_parameters, symbolic_inputs
from intent_tool.judge.trial import lay_down
from intent_tool.language.contract import Contract, Parameter
from intent_tool.machine.target import Target

LONGEST = {1: 16, 2: 5, 3: 3}
"""Up to which value of each length parameter all contents are covered, by the number of such parameters."""
STACK_BYTES = 64 * 1024
"""What a function may take when its contract says nothing (the emulators give it as much)."""


_LOW_HALVES_KEPT = {"x86_64": (), "arm64": tuple(f"v{n}" for n in range(8, 16)), "riscv64": ()}
"""Vector registers whose low 64 bits must hold their entry values on return (AAPCS64 6.1.2)."""


@dataclass(frozen=True, slots=True)
class Counterexample:
    arguments: Arguments
    model: Mapping[str, int]
    """Values of all free variables, of registers that hold junk, too."""
    noticeable: bool
    """An emulator must see it. (Nothing there stops an access to the caller's stack or beside a constant table.)"""


@dataclass(frozen=True, slots=True)
class Proof:
    status: str
    """``proved``; ``bounded``: for all lengths up to `longest`; ``refuted``: there is a counterexample, or a leak;
    ``refused``: something that is not accepted at all; ``unknown``."""
    problems: tuple[str, ...] = ()
    """Why it is not more than it is, a line each."""
    counterexample: Counterexample | None = None
    longest: int | None = None
    """Elements; for ``bounded``."""
    solvers: tuple[str, ...] = ()
    """Those that had a part in it; none when simplification did it all."""
    followed: bool = False
    """All paths were followed to their end: secrets were looked after, and `depth` is known."""
    depth: int = 0
    """Bytes of stack that the function takes at most, when `followed`."""
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Claim:
    """A question, and what is wrong with the code when the answer is no."""

    question: Question
    what: str
    kind: str
    """``result``, ``access`` or ``abi``."""
    noticeable: bool = True


class Gone(Exception):
    """Ends a proof with what it came to."""

    def __init__(self, proof: Proof) -> None:
        super().__init__(proof.status)
        self.proof = proof


def prove_function(contract: Contract, target: Target, binary: bytes, symbol: str, seconds: float = SECONDS) -> Proof:
    """Proves the function `symbol` of a finished file, or says why not. Nothing is raised for what is wrong with the
    binary."""
    start = time.monotonic()
    try:
        image = read_image(binary, symbol, target)
        _, problems = admit_function(lay_down(image, 2), target, contract.limits)
        if problems:
            raise Refused(*problems)
        proof = prove_image(contract, target, image, seconds)
    except Refused as refused:
        proof = Proof("refused", refused.problems)
    return replace(proof, seconds=time.monotonic() - start)


def prove_image(contract: Contract, target: Target, image: Image, seconds: float = SECONDS) -> Proof:
    """The same for a function that was admitted. Raises `Refused` where an instruction has no meaning here."""
    prover = Prover(contract, target, lay_down(image, 2), Budget(seconds))
    try:
        return prover.run()
    except Gone as gone:
        return gone.proof


def unwritten_registers(contract: Contract, target: Target, image: Image, seconds: float = 1.0) -> tuple[str, ...]:
    """The registers that hold junk on entry and have a part in the result, for a message; empty where that cannot be
    told."""
    prover = Prover(contract, target, lay_down(image, 2), Budget(seconds))
    try:
        return prover.junk_in_result(dict.fromkeys(length_parameters(contract), 1))
    except (Refused, Undecided, TooMany, NotUnderstood):
        return ()


@dataclass
class Prover:
    contract: Contract
    target: Target
    placed: Placed
    budget: Budget
    is_kept: bool = False
    """Whether an input is known that keeps `requires`, of those with the lengths that were gone through."""

    def run(self) -> Proof:
        names = length_parameters(self.contract)
        if not names:
            return self.instance({})
        every = self.every_length_proof()
        if every.status == PROVED:
            return every
        bound = LONGEST.get(len(names), 2)
        solvers: set[str] = set()
        depth, longest, why = 0, -1, "too many lengths"
        # Lengths in the order of their sum, so that what was covered is a whole range.
        for size in range(bound + 1):
            for values in (v for v in product(range(size + 1), repeat=len(names)) if max(v) == size):
                proof = self.instance(dict(zip(names, values, strict=True)))
                solvers.update(proof.solvers)
                depth = max(depth, proof.depth)
                if proof.status == "unknown":
                    why = proof.problems[0]
                    break
                if proof.status != PROVED:
                    return proof
            else:
                longest = size
                continue
            break
        if longest < 1:
            return Proof("unknown", (why,), solvers=tuple(sorted(solvers)))
        if not self.is_kept:
            # Whatever the code does is right for them, so nothing was proved.
            none = f"no buffers of up to {longest} elements are known that keep `requires`"
            return Proof("unknown", (*every.problems, none), solvers=tuple(sorted(solvers)))
        return Proof("bounded", every.problems, longest=longest, solvers=tuple(sorted(solvers)), followed=True,
                     depth=depth)

    def every_length_proof(self) -> Proof:
        from intent_tool.judge.induction import prove_every_length

        # Of that, more comes than of what is left when it fails.
        share = Budget(self.budget.left() * 2 / 3)
        proof = prove_every_length(self.contract, self.target, self.placed, share)
        self.budget.used += share.used
        return proof

    # One choice of lengths.

    def instance(self, fixed: Mapping[str, int]) -> Proof:
        graph = Graph()
        semantics = Semantics(self.target, graph)
        given = symbolic_inputs(self.contract, graph, fixed)
        call = symbolic_call(self.contract, self.target, graph, semantics, self.placed, given)
        try:
            wanted = meaning(self.contract, graph, given.inputs)
        except NotUnderstood as problem:
            return Proof("unknown", (f"the contract holds {problem.construct}, too much for a proof",))
        if wanted.requires is graph.false:
            return Proof(PROVED, followed=True)
        self.is_kept = self.is_kept or self.can_be_kept(graph, wanted.requires)
        try:
            outcome = self.execute(graph, semantics, call, wanted.requires)
        except Undecided as problem:
            return self.doubted(graph, call, wanted, problem.doubt) or Proof("unknown", (str(problem),))
        except TooMany:
            return Proof("unknown", ("an access through an index may fall on too many places",))
        self.check_secrets(outcome, call)
        claims = list(merged_claims(graph, self.claims(graph, call, wanted, outcome)))
        return self.decided(graph, call, claims, outcome)

    def can_be_kept(self, graph: Graph, requires: Term) -> bool:
        if requires is graph.true:
            return True
        share = Budget(min(1.0, self.budget.left()))
        answer = decide(graph, [Question((), graph.not_(requires))], share)[0]
        self.budget.used += share.used
        return answer.status == REFUTED

    def junk_in_result(self, fixed: Mapping[str, int]) -> tuple[str, ...]:
        graph = Graph()
        semantics = Semantics(self.target, graph)
        given = symbolic_inputs(self.contract, graph, fixed)
        call = symbolic_call(self.contract, self.target, graph, semantics, self.placed, given)
        state = self.execute(
            graph, semantics, call, meaning(self.contract, graph, given.inputs).requires).state
        if state is None or self.contract.signature is None or self.contract.signature.result is None:
            return ()
        low = graph.extract(state.registers[self.target.abi.result], self.contract.signature.result.bits - 1, 0)
        registers = {f"junk.{name}": name for name, _ in semantics.registers}
        return tuple(registers[t.data] for t in topological([low]) if t.op == "var" and t.data in registers)

    def execute(self, graph: Graph, semantics: Semantics, call: SymbolicCall, requires: Term,
                cuts: Mapping[int, Cut] | None = None,
                seen: Callable[[int, State], None] | None = None, most_rounds: int = MOST_ROUNDS) -> Outcome:
        from intent_tool.judge.decode import decode, surroundings

        placed = self.placed
        decoded = {i.offset: i for i in decode(placed.code, surroundings(self.target, placed))}

        def possible(condition: Term) -> bool:
            if self.budget.left() <= 0:
                raise Undecided("the time was up while its loops were followed")
            share = Budget(min(1.0, self.budget.left()))
            answer = decide(graph, [Question((requires, condition), graph.false)], share)[0]
            self.budget.used += share.used
            return answer.status != PROVED
        isa = self.target.isa
        executor = Executor(
            graph, semantics, call.layout, placed.entry, semantics.lift(placed.code, placed.entry), decoded,
            call.stack, self.target.abi.stack_pointer, RED_ZONE[isa], call.stack_arguments, ARGUMENT_SLOTS[isa],
            possible, self.budget, cuts or {}, seen,
            most_rounds)
        return executor.run(dict(call.registers))

    # What has to hold.

    def claims(self, graph: Graph, call: SymbolicCall, wanted: Meaning, outcome: Outcome) -> Iterator[Claim]:
        yield from self.demand_claims(wanted.requires, outcome)
        if outcome.state is None:
            yield Claim(Question((wanted.requires,), graph.false), "does not return", "abi", noticeable=False)
            return
        yield from self.return_claims(graph, call, wanted, outcome, outcome.state)

    def demand_claims(self, requires: Term, outcome: Outcome) -> Iterator[Claim]:
        """What is asked of the code on its way."""
        for demand in outcome.demands:
            at = f" at offset {demand.offset:#x}" if demand.offset is not None else ""
            yield Claim(Question((requires, demand.guard), demand.holds), demand.what + at, "access",
                        demand.noticeable)

    def return_claims(self, graph: Graph, call: SymbolicCall, wanted: Meaning, outcome: Outcome,
                      state: State) -> Iterator[Claim]:
        """What holds when it returns. Raises `Gone` where it takes too much of the stack."""
        yield from self.abi_claims(graph, call, (wanted.requires,), outcome, state)
        yield from self.result_claims(graph, call, wanted, state)
        yield from self.memory_claims(graph, call, wanted, state)
        self.check_stack(outcome)

    def check_stack(self, outcome: Outcome) -> None:
        limit = self.contract.limits.get("stack", STACK_BYTES)
        if outcome.depth > limit:
            raise Gone(Proof("refuted", (f"it uses {outcome.depth} bytes of stack, the limit is {limit}",)))

    def abi_claims(self, graph: Graph, call: SymbolicCall, requires: tuple[Term, ...],
                   outcome: Outcome, state: State) -> Iterator[Claim]:
        abi, after = self.target.abi, state.registers
        stack = graph.const(8 if self.target.isa == "x86_64" else 0, 64)
        yield Claim(Question(requires, graph.eq(after[abi.stack_pointer], graph.add(call.stack, stack))),
                     "returns with a wrong stack pointer", "abi")
        yield Claim(Question(requires, graph.eq(outcome.target, call.return_address)),
                     "leaves the function: it returns to a wrong place", "abi")
        free = {*abi.caller_saved, abi.stack_pointer, abi.link_register}
        for name, before in call.registers.items():
            if before.width == 64 and name not in free:
                what = f"does not preserve {name}" if name in abi.callee_saved else (
                    f"changes {name}, which belongs to the platform")
                yield Claim(Question(requires, graph.eq(after[name], before)), what, "abi")
        for name in _LOW_HALVES_KEPT[self.target.isa]:
            low = graph.extract(after[name], 63, 0)
            yield Claim(Question(requires, graph.eq(low, graph.extract(call.registers[name], 63, 0))),
                         f"does not preserve the low half of {name}", "abi")
        if "df" in after:
            yield Claim(Question(requires, graph.not_(after["df"])), "returns with the direction flag set", "abi")

    def result_claims(self, graph: Graph, call: SymbolicCall, wanted: Meaning, state: State) -> Iterator[Claim]:
        assert self.contract.signature is not None
        type_ = self.contract.signature.result
        if type_ is None:
            if self.contract.ensures:
                yield from self.ensured_claims(graph, call, wanted, state, None)
            return
        requires = (wanted.requires,)
        register = state.registers[self.target.abi.result]
        low = graph.extract(register, type_.bits - 1, 0)
        returned = Number(low, type_.minimum, (1 << type_.bits) - 1 if type_.is_bool else type_.maximum)
        if wanted.result is not None:
            yield Claim(Question(requires, same(graph, returned, wanted.result)), "", "result")
        elif type_.is_bool:
            yield Claim(Question(requires, graph.ule(low, graph.const(1, 8))), "is neither 0 nor 1", "result")
        if self.target.abi.narrow_values == "sign-extended" and type_.bits < 64:
            extended = passed(graph, returned, type_, self.target, "")
            yield Claim(Question(requires, graph.eq(register, extended)),
                         f"does not extend its result in {self.target.abi.result} as the ABI wants it", "abi")
        if self.contract.ensures:
            yield from self.ensured_claims(graph, call, wanted, state, returned)

    def ensured_claims(self, graph: Graph, call: SymbolicCall, wanted: Meaning, state: State,
                       returned: Number | None) -> Iterator[Claim]:
        assert self.contract.signature is not None
        if returned is not None and self.contract.signature.result is not None \
                and self.contract.signature.result.is_bool:
            returned = Number(graph.extract(returned.term, 0, 0), 0, 1)
        after = {p.name: tuple(self.elements(graph, call, state, p)) for p in self.contract.signature.parameters
                 if p.buffer is not None and p.buffer.writable}
        try:
            holds, demands = ensured(self.contract, graph, call.given.inputs, returned, after)
        except NotUnderstood as problem:
            raise Gone(Proof("unknown", (f"`ensures` holds {problem.construct}, too much for a proof",))) from None
        # Where a predicate has no value it does not hold.
        for demand in demands:
            yield Claim(Question((wanted.requires, demand.guard), demand.holds),
                         "for which `ensures` does not hold", "result")
        yield Claim(Question((wanted.requires,), holds), "for which `ensures` does not hold", "result")

    def elements(self, graph: Graph, call: SymbolicCall, state: State, p: Parameter) -> Iterator[Number]:
        """What a buffer holds in the end."""
        size = p.type.bytes
        for k in range(call.given.lengths[p.name]):
            yield element(graph, p, [call.layout.byte(state.contents, call.buffers[p.name], k * size + j)
                                     for j in range(size)])

    def memory_claims(self, graph: Graph, call: SymbolicCall, wanted: Meaning, state: State) -> Iterator[Claim]:
        """Written buffers hold what the contract says, and where it says nothing what they held before."""
        assert self.contract.signature is not None
        requires = (wanted.requires,)
        settled = set()
        for p in self.contract.signature.parameters:
            if p.buffer is None or not p.buffer.writable:
                continue
            region = call.buffers[p.name]
            if p.name not in call.given.lengths:
                continue
            settled |= {(region, at) for at in range(call.given.lengths[p.name] * p.type.bytes)}
            if p.name not in wanted.writes:
                continue
            found = list(self.elements(graph, call, state, p))
            for k, (is_, must) in enumerate(zip(found, wanted.writes[p.name], strict=True)):
                yield Claim(Question(requires, same(graph, is_, must)), f"leaves a wrong {p.name}[{k}]", "result")
        for region, at in state.contents:
            if not region.is_frame and (region, at) not in settled:
                unchanged = graph.eq(call.layout.byte(state.contents, region, at), region.initial(at))
                yield Claim(Question(requires, unchanged), f"changes {region.name}, which is const there", "access")

    def check_secrets(self, outcome: Outcome, call: SymbolicCall) -> None:
        """No branch, no address and no operand of a division may depend on what is secret, as far as the formulas
        show: a dependence that has no effect counts, unless simplification removes it."""
        if not self.contract.secret:
            return
        tainted: dict[str, str] = {}
        for name in self.contract.secret:
            value = call.given.inputs[name]
            for number in value if isinstance(value, tuple) else (value,):
                tainted |= {t.data: name for t in topological([number.term]) if t.op == "var"}
        problems = []
        for influence in outcome.influences:
            names = sorted({tainted[t.data] for t in topological([influence.term])
                            if t.op == "var" and t.data in tainted})
            if names:
                problems.append(f"at offset {influence.offset:#x}, {influence.what} depends on the secret "
                                f"{' and '.join(names)}")
        if problems:
            raise Gone(Proof("refuted", tuple(dict.fromkeys(problems))))

    # Answers.

    def decided(self, graph: Graph, call: SymbolicCall, claims: list[Claim], outcome: Outcome) -> Proof:
        answers = decide(graph, [c.question for c in claims], self.budget)
        solvers = tuple(sorted({a.by for a in answers if a.by}))
        for claim, answer in zip(claims, answers, strict=True):
            if answer.status == REFUTED:
                model = smaller(claim.question, answer.model)
                arguments = arguments_of(call.given.inputs, model)
                return Proof("refuted", (self.wrong(graph, claim, call, outcome, model, arguments),),
                             Counterexample(arguments, model, claim.noticeable), solvers=solvers, followed=True)
        open_claims = [c for c, a in zip(claims, answers, strict=True) if a.status != PROVED]
        if open_claims:
            what = open_claims[0].what or "is what the contract says"
            kind = {"result": "whether its result is right", "access": f"whether it {what}",
                    "abi": f"whether it {what}"}.get(open_claims[0].kind, what)
            return Proof("unknown", (f"no solver could tell in time {kind}",), solvers=solvers, followed=True,
                         depth=outcome.depth)
        return Proof(PROVED, solvers=solvers, followed=True, depth=outcome.depth)

    def doubted(self, graph: Graph, call: SymbolicCall, wanted: Meaning, doubt: Demand | None) -> Proof | None:
        """The refutation by what made the rest impossible to follow; None where it is none, or nobody knows."""
        if doubt is None:
            return None
        question = Question((wanted.requires, doubt.guard), doubt.holds)
        answer = decide(graph, [question], self.budget)[0]
        if answer.status != REFUTED:
            return None
        from intent_tool.language.oracle import shown_call

        assert self.contract.signature is not None
        model = smaller(question, answer.model)
        arguments = arguments_of(call.given.inputs, model)
        what = f"{shown_call(self.contract.signature.name, arguments)} {doubt.what} at offset {doubt.offset:#x}"
        return Proof("refuted", (what,), Counterexample(arguments, model, doubt.noticeable),
                     solvers=(answer.by,) if answer.by else ())

    def wrong(self, graph: Graph, claim: Claim, call: SymbolicCall, outcome: Outcome, model: Mapping[str, int],
              arguments: Arguments) -> str:
        """The problem as a call."""
        from intent_tool.language.oracle import Oracle, OracleFault, shown_call

        assert self.contract.signature is not None
        shown = shown_call(self.contract.signature.name, arguments)
        type_ = self.contract.signature.result
        if claim.kind == "result" and type_ is not None and not claim.what.startswith("leaves") and outcome.state:
            register = outcome.state.registers[self.target.abi.result]
            (low,) = evaluate([graph.extract(register, type_.bits - 1, 0)], model)
            is_ = low - (1 << type_.bits) if type_.signed and low >> (type_.bits - 1) else low
            if self.contract.returns is not None and not claim.what:
                try:
                    return f"{shown} is {is_}, must be {int(Oracle(self.contract).returns(arguments))}"
                except OracleFault:
                    return f"{shown} is {is_}, and the contract has no value there"
            return f"{shown} is {is_}, {claim.what}"
        return f"{shown} {claim.what}"


def merged_claims(graph: Graph, claims: Iterator[Claim]) -> Iterator[Claim]:
    """Claims of one text as one, those that hold by simplification left out."""
    texts: dict[tuple[str, str], list[Claim]] = {}
    for claim in claims:
        if claim.question.goal is graph.true or any(a is graph.false for a in claim.question.assumptions):
            continue
        texts.setdefault((claim.kind, claim.what), []).append(claim)
    for (kind, what), group in texts.items():
        if len(group) == 1:
            yield group[0]
            continue
        shared = tuple(a for a in group[0].question.assumptions if all(a in c.question.assumptions for c in group))
        goal = graph.true
        for claim in group:
            condition = graph.true
            for assumption in (a for a in claim.question.assumptions if a not in shared):
                condition = graph.and_(condition, assumption)
            goal = graph.and_(goal, graph.or_(graph.not_(condition), claim.question.goal))
        yield Claim(Question(shared, goal), what, kind, group[0].noticeable)


def same(graph: Graph, a: Number, b: Number) -> Term:
    """Whether two integers are equal, in a width that holds both."""
    lo, hi = min(a.lo, b.lo), max(a.hi, b.hi)
    bits = max(hi.bit_length() if hi > 0 else 0, (~lo).bit_length() if lo < 0 else 0) + 1
    width = max(bits, a.term.width, b.term.width)
    return graph.eq(a.at(graph, width), b.at(graph, width))


_ATTEMPTS = 400


def smaller(question: Question, model: Mapping[str, int]) -> dict[str, int]:
    """A model that still refutes the question, with values nearer to 0 where that is found at little cost."""
    roots = [*question.assumptions, question.goal]
    widths = {t.data: t.width for t in topological(roots) if t.op == "var"}
    best = {name: value for name, value in model.items() if name in widths}
    attempts = 0
    for name in sorted(best, key=lambda n: (not n.startswith("junk."), n)):
        width = widths[name]
        value = best[name]
        candidates = [0, 1, (1 << width) - 1]
        candidates += [value >> k for k in range(width - 1, 0, -1)]
        for candidate in candidates:
            if attempts >= _ATTEMPTS or (candidate >= value and candidate != 0) or value == 0:
                break
            attempts += 1
            if refutes(question, {**best, name: candidate}):
                best[name] = candidate
                break
    return best

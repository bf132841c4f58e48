"""Bit-vector solvers: formulas as bitwuzla and as z3 understand them.

Both get the same translation, through a table of a dozen operations; what they have no operation for is written out
in those (counting, tables).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from intent_tool.judge.bitvector import Term, signed, topological

Model = dict[str, int]
"""Values of the free variables."""


class Backend(Protocol):
    """What a solver's terms can be made from; conditions are Booleans, all else bit-vectors."""

    def var(self, name: str, width: int) -> Any: ...
    def value(self, value: int, width: int) -> Any: ...
    def apply(self, op: str, *args: Any) -> Any: ...
    def extract(self, a: Any, high: int, low: int) -> Any: ...
    def extend(self, a: Any, by: int, signed: bool) -> Any: ...


class Translation:
    """Terms of one solver, made once each."""

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self._bits: dict[int, Any] = {}
        self._truth: dict[int, Any] = {}
        self.variables: dict[str, Any] = {}
        self.bounds: list[Any] = []
        """Conditions that hold for variables with bounds."""

    def truth(self, root: Term) -> Any:
        """The condition `root` (width 1) as a Boolean."""
        for t in topological([root]):
            self._translate(t)
        return self._as_truth(root)

    def _as_truth(self, t: Term) -> Any:
        if t.id not in self._truth:
            one = self.backend.value(1, 1)
            self._truth[t.id] = self.backend.apply("=", self._bits[t.id], one)
        return self._truth[t.id]

    def _as_bits(self, t: Term) -> Any:
        if t.id not in self._bits:
            value = self.backend.value
            self._bits[t.id] = self.backend.apply("ite", self._truth[t.id], value(1, 1), value(0, 1))
        return self._bits[t.id]

    def _translate(self, t: Term) -> None:
        if t.id in self._bits or t.id in self._truth:
            return
        if t.width == 1 and t.op in _CONDITIONS:
            self._truth[t.id] = self._condition(t)
        else:
            self._bits[t.id] = self._vector(t)

    def _condition(self, t: Term) -> Any:
        apply = self.backend.apply
        if t.op in ("and", "or", "xor"):
            return apply({"and": "&&", "or": "||", "xor": "^^"}[t.op], *map(self._as_truth, t.args))
        if t.op == "not":
            return apply("!", self._as_truth(t.args[0]))
        if t.op == "ite":
            return apply("ite", *map(self._as_truth, t.args))
        a, b = map(self._as_bits, t.args)
        if t.op in ("saddo", "ssubo"):
            return self._overflow(t, a, b)
        return apply({"eq": "="}.get(t.op, t.op), a, b)

    def _overflow(self, t: Term, a: Any, b: Any) -> Any:
        wide_a, wide_b = (self.backend.extend(x, 1, True) for x in (a, b))
        total = self.backend.apply("add" if t.op == "saddo" else "sub", wide_a, wide_b)
        width = t.args[0].width
        top, sign = self.backend.extract(total, width, width), self.backend.extract(total, width - 1, width - 1)
        return self.backend.apply("!", self.backend.apply("=", top, sign))

    def _vector(self, t: Term) -> Any:
        backend = self.backend
        match t.op:
            case "const":
                return backend.value(t.data, t.width)
            case "var":
                made = self.variables[t.data] = backend.var(t.data, t.width)
                self._bound(t, made)
                return made
            case "sum":
                return self._sum(t)
            case "extract":
                return backend.extract(self._as_bits(t.args[0]), *t.data)
            case "zext" | "sext":
                return backend.extend(self._as_bits(t.args[0]), t.width - t.args[0].width, t.op == "sext")
            case "ite":
                return backend.apply("ite", self._as_truth(t.args[0]), *map(self._as_bits, t.args[1:]))
            case "popcount":
                return self._popcount(t)
            case "clz" | "ctz":
                return self._zeros(t)
            case "table":
                return self._table(t)
        return backend.apply(t.op, *map(self._as_bits, t.args))

    def _bound(self, t: Term, made: Any) -> None:
        apply, value = self.backend.apply, self.backend.value
        half = 1 << (t.width - 1)
        if t.lo > 0:
            self.bounds.append(apply("!", apply("ult", made, value(t.lo, t.width))))
        if t.hi < 2 * half - 1:
            self.bounds.append(apply("!", apply("ult", value(t.hi, t.width), made)))
        if t.slo > -half:
            self.bounds.append(apply("!", apply("slt", made, value(t.slo % (2 * half), t.width))))
        if t.shi < half - 1:
            self.bounds.append(apply("!", apply("slt", value(t.shi % (2 * half), t.width), made)))

    def _sum(self, t: Term) -> Any:
        apply, value = self.backend.apply, self.backend.value
        half = 1 << (t.width - 1)
        parts, constant = self._remainders(t)
        total = None
        positive = [(c, part, False) for c, part in parts if c <= half]
        negative = [((1 << t.width) - c, part, True) for c, part in parts if c > half]
        for coefficient, operand, minus in positive + negative:
            part = operand
            if coefficient & (coefficient - 1) == 0:
                if coefficient > 1:
                    part = apply("shl", part, value(coefficient.bit_length() - 1, t.width))
            else:
                part = apply("mul", part, value(coefficient, t.width))
            if total is None:
                total = apply("neg", part) if minus else part
            else:
                total = apply("sub" if minus else "add", total, part)
        if total is None:
            return value(constant, t.width)
        return apply("add", total, value(constant, t.width)) if constant else total

    def _remainders(self, t: Term) -> tuple[list[tuple[int, Any]], int]:
        """The sum's coefficients with their operands, and its constant: ``k*a - k*c*(a / c)`` is ``k*(a % c)`` here,
        the form from which bit-vector solvers learn that it is less than c."""
        full = (1 << t.width) - 1
        left = dict(zip(t.args, t.data[0], strict=True))
        constant, found = t.data[1], []
        for atom in t.args:
            quotient = atom.args[0] if atom.op == "zext" else atom
            if quotient.op != "udiv" or quotient.args[1].op != "const" or not quotient.args[1].data:
                continue
            a, divisor = quotient.args
            scale, rest = divmod(-signed(left[atom], t.width), divisor.data)
            wanted, addend = _dividend_parts(a, t)
            if rest or scale == 0 or not all((left.get(part, 0) - scale * c) & full == 0
                                             for part, c in wanted.items()):
                continue
            for part in (atom, *wanted):
                del left[part]
            constant = (constant - scale * addend) & full
            remainder = self.backend.apply("urem", self._as_bits(a), self._as_bits(divisor))
            if a.width < t.width:
                remainder = self.backend.extend(remainder, t.width - a.width, False)
            found.append((scale & full, remainder))
        return [*((c, self._as_bits(part)) for part, c in left.items()), *found], constant

    def _popcount(self, t: Term) -> Any:
        """A tree of sums of neighbours."""
        backend, inner = self.backend, self._as_bits(t.args[0])
        parts = [backend.extend(backend.extract(inner, i, i), t.width - 1, False) if t.width > 1 else
                 backend.extract(inner, i, i) for i in range(t.args[0].width)]
        while len(parts) > 1:
            parts = [backend.apply("add", *parts[i:i + 2]) if i + 1 < len(parts) else parts[i]
                     for i in range(0, len(parts), 2)]
        return parts[0]

    def _zeros(self, t: Term) -> Any:
        """The first one from the top (clz) or from the bottom (ctz) decides."""
        backend, width = self.backend, t.args[0].width
        inner = self._as_bits(t.args[0])
        result = backend.value(width, t.width)
        for i in range(width) if t.op == "clz" else reversed(range(width)):
            test = backend.apply("=", backend.extract(inner, i, i), backend.value(1, 1))
            result = backend.apply("ite", test, backend.value(width - 1 - i if t.op == "clz" else i, t.width), result)
        return result

    def _table(self, t: Term) -> Any:
        """A choice by each bit of the index."""
        backend, values = self.backend, t.data
        index, width = self._as_bits(t.args[0]), t.args[0].width
        layer = [backend.value(v, t.width) for v in values]
        bit = 0
        while len(layer) > 1:
            if len(layer) % 2:
                layer.append(backend.value(values[0], t.width))
            test = backend.apply("=", backend.extract(index, bit, bit), backend.value(1, 1))
            layer = [layer[k] if layer[k] is layer[k + 1] else backend.apply("ite", test, layer[k + 1], layer[k])
                     for k in range(0, len(layer), 2)]
            bit += 1
        if len(values) < 1 << width:
            inside = backend.apply("ult", index, backend.value(len(values), width))
            return backend.apply("ite", inside, layer[0], backend.value(values[0], t.width))
        return layer[0]


def _dividend_parts(a: Term, t: Term) -> tuple[dict[Term, int], int]:
    """A dividend as it would stand in the sum `t`: coefficients by their terms, and the constant. What is narrower
    than the sum stands there extended."""
    if a.width < t.width:
        extended = next((p for p in t.args if p.op == "zext" and p.args[0] is a), a)
        return {extended: 1}, 0
    return (dict(zip(a.args, a.data[0], strict=True)), a.data[1]) if a.op == "sum" else ({a: 1}, 0)


_CONDITIONS = frozenset({"and", "or", "xor", "not", "ite", "eq", "ult", "slt", "saddo", "ssubo"})


class _Bitwuzla:
    def __init__(self) -> None:
        import bitwuzla

        self.b = bitwuzla
        self.tm = bitwuzla.TermManager()
        kind = bitwuzla.Kind
        self.kinds = {
            "&&": kind.AND, "||": kind.OR, "^^": kind.XOR, "!": kind.NOT, "ite": kind.ITE, "=": kind.EQUAL,
            "add": kind.BV_ADD, "sub": kind.BV_SUB, "mul": kind.BV_MUL, "neg": kind.BV_NEG, "and": kind.BV_AND,
            "or": kind.BV_OR, "xor": kind.BV_XOR, "not": kind.BV_NOT, "shl": kind.BV_SHL, "lshr": kind.BV_SHR,
            "ashr": kind.BV_ASHR, "udiv": kind.BV_UDIV, "urem": kind.BV_UREM, "sdiv": kind.BV_SDIV,
            "srem": kind.BV_SREM, "concat": kind.BV_CONCAT, "ult": kind.BV_ULT, "slt": kind.BV_SLT}
        self.sorts: dict[int, Any] = {}

    def _sort(self, width: int) -> Any:
        if width not in self.sorts:
            self.sorts[width] = self.tm.mk_bv_sort(width)
        return self.sorts[width]

    def var(self, name: str, width: int) -> Any:
        return self.tm.mk_const(self._sort(width), name)

    def value(self, value: int, width: int) -> Any:
        return self.tm.mk_bv_value(self._sort(width), value)

    def apply(self, op: str, *args: Any) -> Any:
        return self.tm.mk_term(self.kinds[op], list(args))

    def extract(self, a: Any, high: int, low: int) -> Any:
        return self.tm.mk_term(self.b.Kind.BV_EXTRACT, [a], [high, low])

    def extend(self, a: Any, by: int, signed: bool) -> Any:
        kind = self.b.Kind.BV_SIGN_EXTEND if signed else self.b.Kind.BV_ZERO_EXTEND
        return self.tm.mk_term(kind, [a], [by])


def bitwuzla_check(conditions: Sequence[Term], seconds: float | None = None) -> tuple[str, Model]:
    """Whether all `conditions` can hold: ``sat`` with a model, ``unsat``, or ``unknown``, as after so many seconds of
    processor time."""
    return _bitwuzla(conditions, {}, seconds)


def bitwuzla_check_abstract(conditions: Sequence[Term]) -> tuple[str, Model]:
    """The same with multiplications and divisions refined step by step (Niemetz, Preiner and Zohar, "Scalable
    Bit-Blasting with Abstractions", CAV 2024)."""
    return _bitwuzla(conditions, {"ABSTRACTION": True, "ABSTRACTION_BV_SIZE": 16})


def _bitwuzla(conditions: Sequence[Term], settings: dict[str, Any],
              seconds: float | None = None) -> tuple[str, Model]:
    backend = _Bitwuzla()
    options = backend.b.Options()
    options.set(backend.b.Option.PRODUCE_MODELS, True)
    for name, value in settings.items():
        options.set(getattr(backend.b.Option, name), value)
    translation = Translation(backend)
    solver = backend.b.Bitwuzla(backend.tm, options)
    if seconds is not None:
        deadline = time.process_time() + seconds
        solver.configure_terminator(lambda: time.process_time() > deadline)
    for condition in conditions:
        solver.assert_formula(translation.truth(condition))
    for bound in translation.bounds:
        solver.assert_formula(bound)
    answer = solver.check_sat()
    if answer == backend.b.Result.SAT:
        return "sat", {name: int(solver.get_value(made).value(10)) for name, made in translation.variables.items()}
    return ("unsat" if answer == backend.b.Result.UNSAT else "unknown"), {}


class _Z3:
    def __init__(self) -> None:
        import z3

        self.z3 = z3
        operations: dict[str, Callable[..., Any]] = {
            "&&": z3.And, "||": z3.Or, "^^": z3.Xor, "!": z3.Not, "ite": z3.If, "=": lambda a, b: a == b,
            "add": lambda a, b: a + b, "sub": lambda a, b: a - b, "mul": lambda a, b: a * b, "neg": lambda a: -a,
            "and": lambda a, b: a & b, "or": lambda a, b: a | b, "xor": lambda a, b: a ^ b, "not": lambda a: ~a,
            "shl": lambda a, b: a << b, "lshr": z3.LShR, "ashr": lambda a, b: a >> b, "udiv": z3.UDiv,
            "urem": z3.URem, "sdiv": lambda a, b: a / b, "srem": z3.SRem, "concat": z3.Concat, "ult": z3.ULT,
            "slt": lambda a, b: a < b}
        self.operations = operations

    def var(self, name: str, width: int) -> Any:
        return self.z3.BitVec(name, width)

    def value(self, value: int, width: int) -> Any:
        return self.z3.BitVecVal(value, width)

    def apply(self, op: str, *args: Any) -> Any:
        return self.operations[op](*args)

    def extract(self, a: Any, high: int, low: int) -> Any:
        return self.z3.Extract(high, low, a)

    def extend(self, a: Any, by: int, signed: bool) -> Any:
        return self.z3.SignExt(by, a) if signed else self.z3.ZeroExt(by, a)


def z3_check(conditions: Sequence[Term]) -> tuple[str, Model]:
    """As `bitwuzla_check`, by z3."""
    backend = _Z3()
    translation = Translation(backend)
    solver = backend.z3.SolverFor("QF_BV")
    for condition in conditions:
        solver.add(translation.truth(condition))
    for bound in translation.bounds:
        solver.add(bound)
    answer = solver.check()
    if answer == backend.z3.sat:
        model = solver.model()
        return "sat", {name: model.eval(made, model_completion=True).as_long()
                       for name, made in translation.variables.items()}
    return ("unsat" if answer == backend.z3.unsat else "unknown"), {}

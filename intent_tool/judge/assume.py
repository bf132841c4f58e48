"""Questions made simpler by what they assume: variables with the bounds that the assumptions give them, and every
condition that is assumed, or assumed not to hold, replaced by its value."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from intent_tool.judge.bitvector import Graph, Term, signed, topological

_ROUNDS = 3


def refutation(graph: Graph, assumptions: Sequence[Term], goal: Term) -> list[Term]:
    """Conditions that can hold together only if the goal fails somewhere that the assumptions hold.

    Bounds of variables are part of their terms, and of what solvers are told about them. A single condition, which
    is false, means that the goal follows."""
    about = list(literals(assumptions))
    bounded = {t: _bounded(graph, t, about) for t in topological([*assumptions, goal]) if t.op == "var"}
    bounded = {t: new for t, new in bounded.items() if new is not t}
    *assumed, goal = replaced(graph, [*assumptions, goal], bounded)
    for _ in range(_ROUNDS):
        simpler = replaced(graph, [goal], _decided(graph, literals(assumed)))[0]
        if simpler is goal:
            break
        goal = simpler
    opposite = _settled(graph, [graph.not_(goal)])
    if graph.false in opposite:
        return [graph.false]
    return [*(c for c in assumed if c is not graph.true), *opposite]


def _settled(graph: Graph, conditions: Sequence[Term]) -> list[Term]:
    """As conditions that hold together or not as `conditions` do: what some say is replaced in those that are made of
    it."""
    for _ in range(_ROUNDS):
        said = dict.fromkeys(literals(conditions))
        holding = dict(said.keys())
        if len(holding) < len(said):
            return [graph.false]
        decided = _decided(graph, said)
        composed: set[Term] = set()
        for t in topological([*holding]):
            if any(a in decided or a in composed for a in t.args):
                composed.add(t)
        simple = {t: holds for t, holds in holding.items() if t not in composed}
        others = [t for t in holding if t in composed]
        simpler = replaced(graph, others, _decided(graph, simple.items()))
        if simpler == others:
            break
        conditions = [t if holds else graph.not_(t) for t, holds in simple.items()]
        conditions += [new if holding[t] else graph.not_(new) for t, new in zip(others, simpler, strict=True)]
    return [c for c in conditions if c is not graph.true]


def _decided(graph: Graph, conditions: Iterable[tuple[Term, bool]]) -> dict[Term, Term]:
    """What stands for which terms where the `conditions` hold, or do not."""
    found: dict[Term, Term] = {}
    for condition, holds in conditions:
        if condition.op != "const":
            found |= {**_consequences(graph, condition, holds), condition: graph.true if holds else graph.false}
    return found


def literals(conditions: Sequence[Term]) -> Iterator[tuple[Term, bool]]:
    """Conditions, and whether they hold when all of `conditions` do, as far as it shows."""
    stack = [(c, True) for c in conditions]
    while stack:
        t, holds = stack.pop()
        if t.op == "not":
            stack.append((t.args[0], not holds))
        elif t.op == ("and" if holds else "or") and t.width == 1:
            stack += [(a, holds) for a in t.args]
        else:
            yield t, holds


def _consequences(graph: Graph, condition: Term, holds: bool) -> dict[Term, Term]:
    """What else a comparison decides: the opposite one, or the lesser and the greater of the two."""
    if condition.op not in ("ult", "slt"):
        return {}
    a, b = condition.args
    less = graph.ult if condition.op == "ult" else graph.slt
    above = less(b, a)
    found = {above: graph.false} if holds else {graph.ite(above, a, b): a, graph.ite(above, b, a): b}
    return {t: new for t, new in found.items() if t.op in ("ite", condition.op)}


def abstracted(graph: Graph, roots: Sequence[Term], is_of_use: Callable[[str], bool]) -> list[Term]:
    """The roots with free truth values for all conditions in them that are not only about variables whose names are
    of use: what follows from some of the new ones for all values follows from those given.

    The names are ``condition N`` where there is no variable of use in the condition at all, else ``comparison N``."""
    useful: set[Term] = set()
    """Terms that speak of variables of use, or of truth values that are free now."""
    other: set[Term] = set()
    """Terms that speak of other variables. Of some, both is the case."""
    free: dict[Term, Term] = {}
    for t in topological(roots):
        is_useful = any(a in useful for a in t.args) or (t.op == "var" and is_of_use(t.data))
        is_other = any(a in other for a in t.args) or (t.op == "var" and not is_of_use(t.data))
        if t.width == 1 and is_other and is_useful:
            if any(a in other and (a.width > 1 or a in useful) for a in t.args):
                free[t] = _free(graph, "comparison", t, free)
            is_other = False
        elif t.width == 1 and is_other:
            free[t] = _free(graph, "condition", t, free)
        elif is_other and t.op == "ite" and all(a.width == 1 for a in t.args if a in other):
            # Only its choice is by something else.
            is_other = False
        useful |= {t} if is_useful else set()
        other |= {t} if is_other else set()
    return replaced(graph, roots, free)


def _free(graph: Graph, kind: str, condition: Term, free: Mapping[Term, Term]) -> Term:
    opposite = free.get(graph.not_(condition))
    return graph.not_(opposite) if opposite is not None else graph.var(f"{kind} {condition.id}", 1)


def _bounded(graph: Graph, variable: Term, about: Sequence[tuple[Term, bool]]) -> Term:
    """The variable with the unsigned and signed bounds that single literals give it."""
    lo, hi, slo, shi = variable.lo, variable.hi, variable.slo, variable.shi
    width = variable.width
    for inner, holds in about:
        if holds and inner.op == "eq" and inner.args[0].op == "extract" and inner.args[0].args[0] is variable \
                and inner.args[0].data[0] == width - 1 and inner.args[1].op == "const":
            # The upper bits.
            below = inner.args[0].data[1]
            lo, hi = max(lo, inner.args[1].data << below), min(hi, ((inner.args[1].data + 1) << below) - 1)
        if inner.op == "extract" and inner.args[0] is variable and inner.data == (width - 1, width - 1):
            # The sign.
            slo, shi = (slo, min(shi, -1)) if holds else (max(slo, 0), shi)
        if variable not in inner.args or not any(a.op == "const" for a in inner.args):
            continue
        a, b = inner.args
        if inner.op == "eq" and holds and a is variable:
            lo, hi = max(lo, b.data), min(hi, b.data)
        elif inner.op in ("ult", "slt"):
            small, large = (a, b) if holds else (b, a)
            gap = int(holds)
            if inner.op == "ult" and small is variable:
                hi = min(hi, large.data - gap)
            elif inner.op == "ult":
                lo = max(lo, small.data + gap)
            elif small is variable:
                shi = min(shi, signed(large.data, width) - gap)
            else:
                slo = max(slo, signed(small.data, width) + gap)
    return graph.bounded_var(variable.data, width, lo, hi, slo, shi) if lo <= hi and slo <= shi else variable


def replaced(graph: Graph, roots: Sequence[Term], by: Mapping[Term, Term]) -> list[Term]:
    """The roots with some terms replaced by others of the same value, simplified anew."""
    known: dict[int, Term] = {t.id: new for t, new in by.items()}
    for t in topological(roots):
        if t.id not in known:
            arguments = tuple(known[a.id] for a in t.args)
            same = all(a is b for a, b in zip(arguments, t.args, strict=True))
            made = t if same else rebuilt(graph, t, arguments)
            # What one replacement makes may be what another one is for.
            known[t.id] = by.get(made, made)
    return [known[r.id] for r in roots]


def rebuilt(graph: Graph, t: Term, a: tuple[Term, ...]) -> Term:
    """The operation of `t` applied to other arguments."""
    match t.op:
        case "sum":
            return graph.linear(zip(t.data[0], a, strict=True), t.data[1], t.width)
        case "and" | "or" | "not":
            made: Term = getattr(graph, t.op + "_")(*a)
            return made
        case "extract":
            return graph.extract(a[0], *t.data)
        case "zext" | "sext" | "popcount" | "clz" | "ctz":
            made = getattr(graph, t.op)(a[0], t.width)
            return made
        case "table":
            return graph.table(a[0], 0, t.data, t.width)
    made = getattr(graph, t.op)(*a)
    return made

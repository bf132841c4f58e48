"""The oracle: what a contract says for given inputs, evaluated by Python itself."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from typing import Any

from intent_tool.language import oracle_runtime
from intent_tool.language.contract import Contract, Signature
from intent_tool.language.diagnostics import Source, Span
from intent_tool.language.oracle_code import FILE_NAME, Environment, Generator, call, function, integer, name
from intent_tool.language.oracle_runtime import BIT_OPERATIONS, BUDGET, OracleFault, Runtime, fault_of
from intent_tool.language.tree import Expression, Integer
from intent_tool.language.tree import Name as NameNode

__all__ = ["Argument", "Arguments", "Oracle", "OracleFault", "closed_value", "length_of", "shown", "shown_call"]

Argument = int | tuple[int, ...]
Arguments = tuple[Argument, ...]
"""One value for each parameter, in the order of the signature: an integer, or a buffer's elements."""

_CAUGHT = (ArithmeticError, LookupError, ValueError, TypeError, RecursionError, MemoryError, AttributeError,
           OracleFault)


class Oracle:
    """A contract, compiled once.

    `requires`, `returns` and `writes` take the arguments in the signature's order; they raise `OracleFault` where the
    contract has no value. `returns` raises for a contract without that key."""

    requires: Callable[[Arguments], bool]
    returns: Callable[[Arguments], int]
    writes: Callable[[Arguments], dict[str, tuple[int, ...]]]

    def __init__(self, contract: Contract, runtime: Runtime | None = None) -> None:
        self.contract = contract
        self.runtime = runtime if runtime is not None else Runtime()
        self.generator = Generator(contract)
        self.names: dict[str, Any] = {
            "__builtins__": {}, "min": min, "max": max, "abs": abs, "sum": sum, "any": any, "all": all, "len": len,
            "range": range, "enumerate": enumerate, "zip": zip, "divmod": divmod, "next": next,
            "concatenate": b"".join, "comparable": oracle_runtime.comparable, "budget": self.runtime.budget,
            "caught": _CAUGHT, "explained": self.explained, **BIT_OPERATIONS,
            **{n: getattr(self.runtime, n) for n in (
                "sequence", "each", "reduce", "multiply", "shift_left", "power", "modular_power", "ordered",
                "reverse", "byte_string", "byte_tuple", "content", "contains", "add", "formatted", "integer_of",
                "status")}}
        for symbol, used in contract.uses.items():
            self.names[f"f_{symbol}"] = Oracle(used, self.runtime).call
        # For examples; a contract itself cannot name its function.
        self.names[f"f_{contract.name}"] = self.call
        self.compile(self.generator.definitions())
        if contract.signature is not None:
            self.compile_function(contract.signature)
        else:
            self.compile_program()

    # Compilation.

    def compile(self, statements: list[ast.stmt]) -> None:
        module = ast.Module(statements, [])
        ast.fix_missing_locations(module)
        exec(compile(module, FILE_NAME, "exec"), self.names)

    def entry(self, identifier: str, parameters: list[str], unpack: list[tuple[list[str], str]],
              result: ast.expr) -> Any:
        """A function from outside: it sets the budget, and turns Python's exceptions into faults."""
        body: list[ast.stmt] = []
        if any(isinstance(n, ast.Call) for n in ast.walk(result)):
            budget = ast.Subscript(name("budget"), ast.Constant(0), ast.Store())
            body.append(ast.Assign([budget], ast.Constant(BUDGET)))
        for names, source in unpack:
            target: ast.expr = ast.Tuple([ast.Name(n, ast.Store()) for n in names], ast.Store())
            body.append(ast.Assign([target], name(source)))
        handler = ast.ExceptHandler(name("caught"), "problem", [
            ast.Raise(call("explained", name("problem")), ast.Constant(None))])
        body.append(ast.Try([ast.Return(result)], [handler], [], []))
        self.compile([function(identifier, parameters, body)])
        return self.names[identifier]

    def explained(self, problem: BaseException) -> OracleFault:
        """The fault, with the place of the innermost expression of this contract that was evaluated."""
        fault = fault_of(problem)
        trace = problem.__traceback__
        while trace is not None and fault.span is None:
            frame = trace.tb_frame
            if frame.f_code.co_filename == FILE_NAME and frame.f_globals is self.names:
                place = trace.tb_lineno
                following = trace.tb_next
                while following is not None:
                    if following.tb_frame.f_globals is self.names:
                        place = following.tb_lineno
                    following = following.tb_next
                if 0 < place < len(self.generator.spans):
                    fault.span = self.generator.spans[place]
                break
            trace = trace.tb_next
        return fault

    def compile_function(self, signature: Signature) -> None:
        contract, generator, env = self.contract, self.generator, self.generator.environment
        parameters = [f"p_{p.name}" for p in signature.parameters]
        unpack = [(parameters, "given")] if parameters else []
        conditions = [generator.value(e, env) for e in contract.requires]
        self.requires = self.entry("requires", ["given"], unpack, _all(conditions))
        if contract.returns is not None:
            core = integer(contract.returns, generator.value(contract.returns, env))
            self.returns = self.entry("returns", ["given"], unpack, core)
        else:
            self.returns = self.no_formula
        contents: list[ast.expr] = []
        for buffer, expression in contract.writes.items():
            described = signature.parameter(buffer).buffer
            assert described is not None
            contents.append(generator.at(expression, call(
                "content", ast.Constant(buffer), generator.iterable(expression, env),
                generator.value(described.length, env))))
        self.writes = self.entry("writes", ["given"], unpack, ast.Dict(
            [ast.Constant(n) for n in contract.writes], contents))
        writable = [p.name for p in signature.parameters if p.buffer and p.buffer.writable]
        afterwards = [([f"p_{n}" for n in writable], "after")] if writable else []
        self.ensured = self.entry("ensured", ["given", "p_result", "after"], unpack + afterwards, _all(
            [generator.value(e, env) for e in contract.ensures]))
        self.writable = writable

    def no_formula(self, given: Arguments) -> int:
        raise OracleFault("type", "the contract has no formula for the result")

    def compile_program(self) -> None:
        contract, generator, env = self.contract, self.generator, self.generator.environment
        parts = [call("byte_string", generator.value(e, env)) if e is not None else ast.Constant(b"")
                 for e in (contract.stdout, contract.stderr)]
        status = call("status", generator.value(contract.exit, env)) if contract.exit is not None else ast.Constant(0)
        self.run = self.entry("run", ["p_args", "p_stdin"], [], ast.Tuple([*parts, status], ast.Load()))

    # Evaluation.

    def ensures(self, given: Arguments, result: int | None, after: Mapping[str, tuple[int, ...]]) -> bool:
        """Whether every predicate of `ensures` holds. A written buffer's name stands for its content `after`."""
        before = dict(zip((p.name for p in self.signature.parameters), given, strict=True))
        return bool(self.ensured(given, result, tuple(after.get(n, before[n]) for n in self.writable)))

    def program(self, args: tuple[bytes, ...], stdin: bytes) -> tuple[bytes, bytes, int]:
        """Standard output, standard error and exit status."""
        found: tuple[bytes, bytes, int] = self.run(args, stdin)
        return found

    @property
    def signature(self) -> Signature:
        assert self.contract.signature is not None
        return self.contract.signature

    def call(self, *given: Any) -> int:
        """The function as other contracts and examples call it: arguments must fit their types, and keep
        `requires`."""
        arguments, budget = self.checked(given), self.runtime.budget
        # The entry points start with a full budget; a call within an evaluation must not refill the caller's.
        left, budget[0] = budget[0], BUDGET
        kept = self.requires(arguments)
        left, budget[0] = left - (BUDGET - budget[0]), BUDGET
        if not kept:
            raise OracleFault("requires", f"{shown_call(self.signature.name, arguments)} does not keep `requires`")
        value = self.returns(arguments)
        budget[0] = left - (BUDGET - budget[0])
        self.runtime.charge(1)
        return value

    def checked(self, given: tuple[Any, ...]) -> Arguments:
        """The arguments as the entry points take them. Raises `OracleFault` for what does not fit the signature."""
        found: list[Argument] = []
        for parameter, value in zip(self.signature.parameters, given, strict=True):
            items = (value,) if parameter.buffer is None else value
            if isinstance(items, int) or (parameter.buffer is None and not isinstance(value, int)):
                raise OracleFault("type", f"`{parameter.name}` of `{self.signature.name}` must be "
                                  f"{'a sequence' if parameter.buffer else 'an integer'}")
            numbers = tuple(int(n) for n in items)
            for number in numbers:
                if not parameter.type.minimum <= number <= parameter.type.maximum:
                    raise OracleFault("range", f"{number} does not fit `{parameter.name}` of `{self.signature.name}` "
                                      f"({parameter.type.name})")
            found.append(numbers if parameter.buffer else numbers[0])
        scalars = {p.name: v for p, v in zip(self.signature.parameters, found, strict=True) if isinstance(v, int)}
        for parameter, content in zip(self.signature.parameters, found, strict=True):
            if parameter.buffer is not None and isinstance(content, tuple):
                length = length_of(parameter.buffer.length, scalars)
                if length != len(content):
                    raise OracleFault("length", f"`{parameter.name}` of `{self.signature.name}` has {length} "
                                      f"elements, not {len(content)}")
        return tuple(found)

    def evaluator(self, expression: Expression, variables: list[str]) -> Callable[..., Any]:
        """A function of `variables` (names of parameters, or `result`) that evaluates an expression of the
        contract."""
        made = self.generator.value(expression, self.generator.environment)
        found: Callable[..., Any] = self.entry("evaluated", [f"p_{v}" for v in variables], [], made)
        return found


def _all(conditions: list[ast.expr]) -> ast.expr:
    """Whether all hold, as a truth value."""
    if not conditions:
        return ast.Constant(True)
    return ast.IfExp(ast.BoolOp(ast.And(), conditions) if len(conditions) > 1 else conditions[0], ast.Constant(True),
                     ast.Constant(False))


def length_of(length: Expression, scalars: Mapping[str, int]) -> int:
    """The element count of a buffer; `length` is a sum or product of constants and parameters."""
    if isinstance(length, Integer):
        return length.value
    if isinstance(length, NameNode):
        return scalars[length.name]
    left, right = length_of(length.left, scalars), length_of(length.right, scalars)  # type: ignore[union-attr]
    return left + right if length.op == "+" else left * right  # type: ignore[union-attr]


def closed_value(expression: Expression, variables: Mapping[str, int] | None = None) -> Any:
    """The value of an expression without definitions, over integer `variables`: an integer, bytes or a tuple."""
    source = Source("<expression>", "")
    oracle = Oracle(Contract(source, "", Span(source, 1, 1), program="expression"))
    oracle.generator.environment = Environment()
    return oracle.evaluator(expression, list(variables or {}))(*(variables or {}).values())


def shown_call(symbol: str, given: tuple[Any, ...]) -> str:
    """``average(7, 8)``."""
    return f"{symbol}({', '.join(shown(v) for v in given)})"


def shown(value: Any) -> str:
    """A value as a contract would write it, shortened."""
    if isinstance(value, bytes):
        text = repr(value)
        return text if len(text) <= 80 else text[:76] + "…" + text[-1]
    if isinstance(value, (tuple, list, range)):
        items = [shown(v) for v in value[:16]]
        return f"[{', '.join(items)}{', …' if len(value) > 16 else ''}]"
    number = int(value)
    return str(number) if number.bit_length() <= 256 else f"a number of {number.bit_length()} bits"


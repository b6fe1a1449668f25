"""Steps whose script is Python: does it compile, and is every name there."""

from __future__ import annotations

import ast
import builtins
import warnings
from collections.abc import Iterator

from readiness.kinds.github.model import Step
from readiness.kinds.pipeline.scripts import mask_expressions
from readiness.model import CheckOutcome, hit

_PREDEFINED_NAMES = frozenset(dir(builtins)) | {
    "__file__",
    "__name__",
    "__annotations__",
    "__builtins__",
    "__doc__",
}
_MAX_SCRIPT_CHARACTERS = 50_000


def python_step_broken(step: Step) -> CheckOutcome:
    """A script that does not compile, or that reads a name which nothing sets."""
    run = step.run_script
    if run is None or not step.shell.startswith("python") or len(run.value) > _MAX_SCRIPT_CHARACTERS:
        return
    text = mask_expressions(run.value)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # an odd escape in a string is none of our matter
            tree = ast.parse(text)
    except SyntaxError as error:
        offset = _text_offset(text, error.lineno or 1, 0)
        yield hit(
            run.span_of_line(min(offset, max(len(text.rstrip()) - 1, 0))),
            say="syntax",
            reason=error.msg,
        )
        return
    except (ValueError, RecursionError, MemoryError):
        return
    nodes = list(ast.walk(tree))
    if any(isinstance(node, ast.ImportFrom) and any(a.name == "*" for a in node.names) for node in nodes):
        return
    known = _PREDEFINED_NAMES | set(_assigned_names(nodes))
    for node in nodes:
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id not in known:
            if set(node.id) == {"x"}:
                continue  # an expression stands there
            start = _text_offset(text, node.lineno, len(_encoded_line(text, node.lineno)[: node.col_offset].decode()))
            yield hit(run.span_of_part(start, start + len(node.id)), say="name", variable=node.id)
            return


def _assigned_names(nodes: list[ast.AST]) -> Iterator[str]:
    """Every name that a script gives a value to, in any scope."""
    for node in nodes:
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            yield node.id
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.Import | ast.ImportFrom):
            yield from ((alias.asname or alias.name).partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.Global | ast.Nonlocal):
            yield from node.names
        else:
            name = getattr(node, "name", None) or getattr(node, "rest", None)
            if isinstance(name, str):
                yield name


def _encoded_line(text: str, line: int) -> bytes:
    lines = text.split("\n")
    return lines[line - 1].encode("utf-8", "surrogatepass") if line <= len(lines) else b""


def _text_offset(text: str, line: int, column: int) -> int:
    """The offset of a place in a text; the line counts from 1, the column from 0."""
    lines = text.split("\n")
    return sum(len(one) + 1 for one in lines[: line - 1]) + column

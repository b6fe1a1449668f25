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
    run_script = step.run_script
    if run_script is None or not step.shell.startswith("python") or len(run_script.value) > _MAX_SCRIPT_CHARACTERS:
        return
    masked_script = mask_expressions(run_script.value)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # an odd escape in a string is none of our matter
            syntax_tree = ast.parse(masked_script)
    except SyntaxError as error:
        error_offset = _offset_of_position(masked_script, error.lineno or 1, 0)
        yield hit(
            run_script.span_of_line(min(error_offset, max(len(masked_script.rstrip()) - 1, 0))),
            say="syntax",
            reason=error.msg,
        )
        return
    except (ValueError, RecursionError, MemoryError):
        return
    syntax_nodes = list(ast.walk(syntax_tree))
    if any(isinstance(syntax_node, ast.ImportFrom) and any(a.name == "*" for a in syntax_node.names) for syntax_node in syntax_nodes):
        return
    defined_names = _PREDEFINED_NAMES | set(_names_bound_in_script(syntax_nodes))
    for syntax_node in syntax_nodes:
        if isinstance(syntax_node, ast.Name) and isinstance(syntax_node.ctx, ast.Load) and syntax_node.id not in defined_names:
            if set(syntax_node.id) == {"x"}:
                continue  # an expression stands there
            name_start = _offset_of_position(
                masked_script,
                syntax_node.lineno,
                len(_utf8_line(masked_script, syntax_node.lineno)[: syntax_node.col_offset].decode()),
            )
            yield hit(run_script.span_of_part(name_start, name_start + len(syntax_node.id)), say="name", variable=syntax_node.id)
            return


def _names_bound_in_script(syntax_nodes: list[ast.AST]) -> Iterator[str]:
    """Every name that a script gives a value to, in any scope."""
    for syntax_node in syntax_nodes:
        if isinstance(syntax_node, ast.Name) and not isinstance(syntax_node.ctx, ast.Load):
            yield syntax_node.id
        elif isinstance(syntax_node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield syntax_node.name
        elif isinstance(syntax_node, ast.arg):
            yield syntax_node.arg
        elif isinstance(syntax_node, ast.Import | ast.ImportFrom):
            yield from ((alias.asname or alias.name).partition(".")[0] for alias in syntax_node.names)
        elif isinstance(syntax_node, ast.Global | ast.Nonlocal):
            yield from syntax_node.names
        else:
            bound_name = getattr(syntax_node, "name", None) or getattr(syntax_node, "rest", None)
            if isinstance(bound_name, str):
                yield bound_name


def _utf8_line(script_text: str, line_number: int) -> bytes:
    text_lines = script_text.split("\n")
    return text_lines[line_number - 1].encode("utf-8", "surrogatepass") if line_number <= len(text_lines) else b""


def _offset_of_position(script_text: str, line_number: int, column: int) -> int:
    """The offset of a place in a text; the line counts from 1, the column from 0."""
    text_lines = script_text.split("\n")
    return sum(len(one) + 1 for one in text_lines[: line_number - 1]) + column

"""Every regular expression of the package, and how each is put to a text: read off the modules and their code."""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from functools import cache, partial
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import readiness
from readiness.model.lazy_regex import LazyRegex
from readiness.syntax.ways import MatchMode

PACKAGE = Path(readiness.__file__).parent
HERE = MatchMode(tries_every_place=False)
AGAIN = MatchMode(repeats_after_match=True)
METHODS = {
    "match": HERE,
    "fullmatch": MatchMode(tries_every_place=False, must_match_end=True),
    "search": MatchMode(),
    **dict.fromkeys(("finditer", "findall", "sub", "subn", "split", "scanner"), AGAIN),
}
_ELSEWHERE = {
    "render/worker.py",
    "__main__.py",
}  # run by themselves; they are read and not imported


class Found(NamedTuple):
    """An expression: where it stands, what it is, and how it is put to a text."""

    where: str
    pattern: str | bytes
    flags: int
    use: MatchMode


@cache
def modules() -> dict[str, tuple[ast.Module, ModuleType | None]]:
    """The code of every module of the package, and the module, by its path in the package."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        inside = path.relative_to(PACKAGE)
        parts = ("readiness", *inside.with_suffix("").parts)
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        module = None if inside.as_posix() in _ELSEWHERE else importlib.import_module(name)
        found[inside.as_posix()] = (ast.parse(path.read_text(encoding="utf-8")), module)
    return found


def compiled() -> Iterator[Found]:
    """The expressions that modules hold, in constants and in what constants hold, each with the widest use made of it."""
    uses = _uses()
    seen: set[int] = set()
    for name, (_, module) in modules().items():
        for key, value in vars(module).items() if module else ():
            for number, pattern in enumerate(_within(value)):
                if id(pattern) not in seen:
                    seen.add(id(pattern))
                    use = _widest(uses.get(id(pattern), {AGAIN}))
                    where = f"{name} {key}" + (f"[{number}]" if value is not pattern else "")
                    yield Found(where, pattern.pattern, pattern.flags & ~re.UNICODE, use)


def written() -> Iterator[Found]:
    """The expressions that stand as they are in a call of `re`, inside of a function."""
    for name, (tree, _) in modules().items():
        for call in ast.walk(tree):
            use = METHODS.get(_function(call.func)) if isinstance(call, ast.Call) else None
            if use and isinstance(call, ast.Call) and isinstance(call.args[0], ast.Constant):
                given = (*call.args[1:], *(word.value for word in call.keywords))
                named = (part for one in given for part in ast.walk(one))
                words = (part.attr for part in named if isinstance(part, ast.Attribute))
                values = (getattr(re, word, None) for word in words)
                flags = sum(one for one in values if isinstance(one, re.RegexFlag))
                yield Found(f"{name}:{call.lineno}", call.args[0].value, flags, use)


def put_together() -> Iterator[tuple[str, str]]:
    """(path of the module, code) of what is made into an expression inside of functions and is no constant."""
    for name, (tree, _) in modules().items():
        inside = {id(part) for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.Lambda) for part in ast.walk(node)}
        called = set()
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and (_function(node.func) in METHODS or _function(node.func) == "compile"):
                called.add(id(node.func))
                if id(node) in inside and not isinstance(node.args[0], ast.Constant):
                    yield name, ast.unparse(node.args[0])
        for node in ast.walk(tree):  # `re.compile` handed on as a function
            if _function(node) in {*METHODS, "compile"} and id(node) not in called:
                yield name, ast.unparse(node)


def _function(node: ast.AST) -> str:
    """The name of a function of `re`; empty for all else."""
    found = isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "re"
    return node.attr if found and isinstance(node, ast.Attribute) else ""


def _uses() -> dict[int, set[MatchMode]]:
    """How each expression that has a name is used, by the identity of the pattern: by its methods, or handed on."""
    found: dict[int, set[MatchMode]] = {}
    for tree, module in modules().values():
        if module is None:
            continue
        above = {id(child): node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
        for node in ast.walk(tree):
            if not isinstance(node, ast.Name | ast.Attribute) or not isinstance(node.ctx, ast.Load):
                continue
            pattern = _value(node, module)
            if not isinstance(pattern, re.Pattern | LazyRegex):
                continue
            outer = above.get(id(node))
            if isinstance(outer, ast.Attribute) and outer.attr in {"pattern", "flags"}:
                continue
            use = AGAIN
            if isinstance(outer, ast.Attribute) and outer.attr in METHODS:
                call = above.get(id(outer))
                at_places = isinstance(call, ast.Call) and call.func is outer and len(call.args) > 1
                use = AGAIN if at_places else METHODS[outer.attr]
            found.setdefault(id(pattern), set()).add(use)
    return found


def _value(node: ast.AST, module: ModuleType) -> Any:
    """What a name stands for at the top of a module, or a name of a module in it."""
    if isinstance(node, ast.Name):
        return vars(module).get(node.id)
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        inner = vars(module).get(node.value.id)
        return vars(inner).get(node.attr) if isinstance(inner, ModuleType) else None
    return None


def _widest(uses: set[MatchMode]) -> MatchMode:
    """The use that costs no less than any of them."""
    return MatchMode(
        tries_every_place=any(use.tries_every_place for use in uses),
        must_match_end=any(use.must_match_end for use in uses),
        repeats_after_match=any(use.repeats_after_match for use in uses),
    )


def _within(value: Any, depth: int = 0) -> Iterator[re.Pattern[Any] | LazyRegex]:
    """The patterns in a value: itself, and what it holds."""
    if isinstance(value, re.Pattern | LazyRegex):
        yield value
    elif isinstance(getattr(value, "__self__", None), re.Pattern | LazyRegex):  # a method of one
        yield value.__self__
    elif depth > 5 or isinstance(value, type | ModuleType):
        return
    elif isinstance(value, partial):
        for part in (value.func, *value.args, *value.keywords.values()):
            yield from _within(part, depth + 1)
    elif isinstance(value, dict):
        for part in (*value.keys(), *value.values()):
            yield from _within(part, depth + 1)
    elif isinstance(value, list | tuple | set | frozenset):
        for part in value:
            yield from _within(part, depth + 1)
    elif is_dataclass(value):
        for field in fields(value):
            yield from _within(getattr(value, field.name, None), depth + 1)

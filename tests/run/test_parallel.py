"""Runs side by side: several threads, several processes, and processes that end before their work."""

from __future__ import annotations

import ast
import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import readiness
from readiness.run import parallel
from readiness.syntax import shell
from tests.conftest import ROOT

TREES = ("flowise/weak", "flowise/hardened", "dify/weak", "dify/hardened")


def reports(trees: tuple[str, ...], jobs: int) -> list[dict[str, Any]]:
    """The reports on several trees, each judged in a thread of its own at the same time."""
    made: dict[str, Any] = {}
    gate = threading.Barrier(len(trees))

    def work(name: str) -> None:
        gate.wait()
        try:
            made[name] = readiness.check([ROOT / "fixtures" / name], select=["ALL"], jobs=jobs, base=ROOT, context=False).to_dict()
        except BaseException as error:  # shown where the answers are compared
            made[name] = error

    threads = [threading.Thread(target=work, args=(name,)) for name in trees]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=120)
    return [made.get(name, "did not end") for name in trees]


@pytest.mark.parametrize("jobs", [1, 2])
def test_threads_at_once_get_each_their_own_report(jobs: int) -> None:
    alone = [readiness.check([ROOT / "fixtures" / name], select=["ALL"], base=ROOT, context=False).to_dict() for name in TREES]
    assert len({str(one) for one in alone}) == len(TREES), "trees that are alike prove nothing"
    assert reports(TREES, jobs) == alone


def imported_by_functions(path: Path) -> Iterator[tuple[str, str]]:
    """The modules and names that functions of a file import when they are called."""
    for function in ast.walk(ast.parse(path.read_text())):
        if isinstance(function, ast.FunctionDef):
            for node in ast.walk(function):
                if isinstance(node, ast.Import):
                    yield from ((alias.name, "") for alias in node.names)
                elif isinstance(node, ast.ImportFrom):
                    yield from ((str(node.module), alias.name) for alias in node.names)


def test_nothing_is_imported_for_the_first_time_after_a_fork() -> None:
    """Another thread may hold the lock of a module that it imports while this one forks."""
    elsewhere = {"tree_sitter", "tree_sitter_bash"}  # by shell.bash_language
    for room in ("checks", "kinds", "syntax", "model", "facts"):
        for path in sorted((ROOT / "readiness" / room).rglob("*.py")):
            for module, name in imported_by_functions(path):
                known = {module, f"{module}.{name}"} & {*parallel.LAZILY_IMPORTED_MODULES, *elsewhere}
                assert known, f"{path.relative_to(ROOT)} imports {module}: name it in LAZILY_IMPORTED_MODULES"


def test_no_value_is_worked_out_under_a_lock() -> None:
    """A process that is forked while another thread works one out would wait for it for ever."""
    for path in sorted((ROOT / "readiness").rglob("*.py")):
        tree = ast.parse(path.read_text())
        names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module == "functools" for alias in node.names}
        used = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
        assert path.name == "memo.py" or "cached_property" not in names | used, f"{path.relative_to(ROOT)}: take readiness.model.memo"


def test_threads_may_read_scripts_at_once() -> None:
    script = "for i in a b; do echo $i | grep x && curl http://x/$i > /tmp/$i; done\n" * 300
    expected = repr(shell.parse_commands(script))
    seen: list[str] = []
    threads = [threading.Thread(target=lambda: seen.append(repr(shell.parse_commands(script)))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [expected] * 4


def fail_in(monkeypatch: pytest.MonkeyPatch, act: Any) -> None:
    """Have every rule do `act` when it is held against a project."""

    def run(*_: Any, **__: Any) -> None:
        act()

    monkeypatch.setattr(parallel.engine, "run_rules", run)


def check(**options: Any) -> Any:
    return readiness.check([ROOT / "fixtures" / "flowise" / "weak"], jobs=2, **options)


def test_a_process_that_is_killed_is_told_and_waited_for_by_nobody(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fail_in(monkeypatch, lambda: os.kill(os.getpid(), signal.SIGKILL))
    with pytest.raises(parallel.ParallelError, match="ended before its answer"):
        check()


def test_an_error_of_a_process_is_raised_here(monkeypatch: pytest.MonkeyPatch) -> None:
    fail_in(monkeypatch, [].pop)
    with pytest.raises(RuntimeError, match="IndexError") as caught:
        check()
    assert "pop from empty list" in caught.value.__notes__[0]


def test_a_process_short_of_memory_is_a_memory_error_here(monkeypatch: pytest.MonkeyPatch) -> None:
    def starve() -> None:
        raise MemoryError

    fail_in(monkeypatch, starve)
    with pytest.raises(MemoryError):
        check()


def test_more_processes_than_rules() -> None:
    single = readiness.check([ROOT / "fixtures/flowise/weak"], select=["k8s/privileged"], jobs=64)
    two = readiness.check([ROOT / "fixtures/flowise/weak"], select=["k8s/privileged"])
    assert single.to_dict() == two.to_dict()


MUTATORS = frozenset("append add update extend clear pop setdefault insert remove discard popitem sort appendleft".split())


def names_of(tree: ast.Module) -> set[str]:
    """The names that a module binds at its top, imports and definitions apart."""
    targets: list[ast.expr] = []
    for node in tree.body:
        targets += node.targets if isinstance(node, ast.Assign) else []
        targets += [node.target] if isinstance(node, ast.AnnAssign) else []
    return {one.id for one in targets if isinstance(one, ast.Name)}


def changes(tree: ast.Module) -> Iterator[str]:
    """What changes a module's own data after its import."""
    names = names_of(tree)
    for node in ast.walk(tree):
        places: list[ast.expr] = []
        if isinstance(node, ast.Global):
            yield f"line {node.lineno}: global {', '.join(node.names)}"
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            places = [node.func.value] if node.func.attr in MUTATORS else []
        elif isinstance(node, ast.Assign | ast.Delete):
            places = [target.value for target in node.targets if isinstance(target, ast.Subscript | ast.Attribute)]
        elif isinstance(node, ast.AugAssign) and not isinstance(node.target, ast.Name):
            places = [getattr(node.target, "value", node.target)]
        for place in places:
            if isinstance(place, ast.Name) and place.id in names:
                yield f"line {place.lineno}: {ast.unparse(node)[:80]}"


@pytest.mark.parametrize(
    "path",
    sorted((ROOT / "readiness").rglob("*.py")),
    ids=lambda path: str(path.relative_to(ROOT / "readiness")),
)
def test_no_module_keeps_state(path: Path) -> None:
    """Two runs of one process share its modules: what one writes there the other would read."""
    assert list(changes(ast.parse(path.read_text(encoding="utf-8")))) == []


def test_the_search_for_state_finds_it() -> None:
    found = "A = []\nB: dict = {}\ndef f():\n    global C\n    A.append(1)\n    B['x'] = 2\n    del B['x']\n    A[0] += 1\n"
    assert len(list(changes(ast.parse(found)))) == 5
    assert list(changes(ast.parse("A = []\ndef f():\n    a = []\n    a.append(A[0])\n"))) == []


def test_no_cache_grows_without_a_bound() -> None:
    """A cache without a bound may only be asked what the tool itself says, never what a file says."""
    asked_by_the_tool = {
        "resolve_check",
        "_compiled_definition",
        "facts_table",
        "property_by_fact_name",
        "_module_modification_time",
        "load_shipped_rules",
        "_context_pattern_of_property",
        "_required_fields",
        "_style_start",
    }
    for path in sorted((ROOT / "readiness").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.FunctionDef) or not node.args.args:
                continue
            words = {ast.unparse(one) for one in node.decorator_list}
            if words & {"cache", "memo", "functools.cache", "lru_cache(maxsize=None)"}:
                assert node.name in asked_by_the_tool, f"{path.name}: {node.name}"

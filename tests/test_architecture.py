"""The structure as law: imports point one way, outside packages have one door each, the start is light."""

from __future__ import annotations

import ast
import graphlib
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parent.parent / "readiness"
# Each layer imports only from those before it; layers in one row stand side by side and know nothing of each other.
LAYERS = [
    {"model", "version", "files"},
    {"tree_paths", "origin"},
    {"programs"},
    {"syntax"},
    {"facts", "settings"},
    {"redaction"},
    {"kinds"},
    {"checks"},
    {"ruleset"},
    {"loading"},
    {"triage"},
    {"verdict"},
    {"run"},
    {"reports"},
    {"api"},
    {"cli"},
]
# The same inside kinds and checks: what stands on several kinds stands above them.
ROOMS = {
    "kinds": [
        {"units", "variables", "purpose", "head", "readme_use"},
        {"readme"},
        {"decision", "places"},
        {"dotenv", "dockerignore", "pipeline", "k8s", "dependabot"},
        {"github", "gitlab"},
        {"dockerfile"},
        {"compose"},
        {"nginx"},
        {"delivery"},
        {"joins"},
    ],
    "checks": [{"variables"}, {"k8s", "nginx", "ci", "dockerfile"}, {"compose"}, {"project"}],
}
# Who may import a package from outside; everyone else asks that module.
DOORS = {
    "yaml": {"syntax/yaml.py", "syntax/yaml_whole.py"},
    "click": {
        "cli/main.py",
        "cli/adoption.py",
        "cli/commands.py",
        "cli/completion.py",
        "cli/console.py",
        "cli/program.py",
        "cli/run_options.py",
        "cli/show.py",
        "cli/view_options.py",
    },
    "rich": set(),
    "dockerfile": {"syntax/dockerfile.py"},
    "tree_sitter": {"syntax/shell.py"},
    "markdown_it": {"syntax/markdown.py"},
    "pathspec": set(),
    "fnmatch": {"syntax/glob.py"},
    "platformdirs": {"run/cache.py"},
    "jsonschema": {"settings/mistakes.py"},
    "helm_python": {"loading/render/worker.py"},
    "checkov": set(),
    "subprocess": {"programs/process.py"},
    "ctypes": {"programs/confine.py"},
    "multiprocessing": {"run/parallel.py"},
    "tarfile": {"loading/render/archive.py"},
    "gzip": {"loading/render/archive.py"},
    # What starts processes, opens connections or files, or runs what it reads: nobody.
    **dict.fromkeys(
        (
            "_posixsubprocess",
            "asyncio",
            "concurrent",
            "pty",
            "socket",
            "socketserver",
            "ssl",
            "http",
            "ftplib",
            "smtplib",
            "webbrowser",
            "runpy",
            "pickle",
            "marshal",
            "shelve",
            "dbm",
            "sqlite3",
            "zipfile",
            "zipimport",
            "mmap",
            "linecache",
            "fileinput",
            "code",
            "codeop",
        ),
        frozenset[str](),
    ),
}
# Who may start a process by a function of `os`, and why.
STARTERS = {
    "programs/confine.py": "it becomes the program that it has confined",
}
# Who may read the environment, and why; programs are given what is written out.
ENVIRONMENT_READERS = {
    "programs/__init__.py": "PATH, where programs are looked for",
    "programs/process.py": "the libraries of this Python, and the few variables that `environment_of_its_own` keeps",
    "programs/git.py": "where the repository and the user's settings are",
    "cli/main.py": "whether a runner of GitHub runs it",
    "cli/program.py": "streams and colours of the terminal",
    "reports/__init__.py": "colours",
    "reports/links.py": "whether the terminal makes links",
    "reports/machine_text.py": "the workspace of the job, which paths are relative to",
    "cli/github_action.py": "what the runner says of the step",
}
# Who may open files without `files.read_regular_file`, and why: none of them opens what the scanned tree names.
OPENERS = {
    "files.py": "the door itself",
    "programs/__init__.py": "the first two bytes of a program on PATH",
    "cli/github_action.py": "the runner's own files: its event, its outputs, and the reports of the step",
    "origin.py": "the record of this installation",
    "cli/main.py": "the file that --output names, to write it",
    "cli/program.py": "the null device, for streams that are closed",
    "triage/revision.py": "files of a temporary folder, to write them",
    "run/cache.py": "the user's cache, never one in the scanned tree",
    "syntax/compiled.py": "the cache of what stands in the package",
    "loading/render/archive.py": "an archive that was read, in memory",
    **dict.fromkeys(
        ("facts/table.py", "kinds/compose/schema.py", "ruleset/message_facts.py", "ruleset/names.py", "ruleset/precision.py", "ruleset/select.py",
         "settings/model.py", "verdict/checklist.py"),
        "data of the package",
    ),
}  # fmt: skip


LINES = 400  # of a file
STATEMENTS = 50  # lines of a function, its head and its docstring apart


def level(name: str) -> int | None:
    return next((n for n, row in enumerate(LAYERS) if name in row), None)


def modules() -> Iterator[Path]:
    yield from sorted(PACKAGE.rglob("*.py"))


def imported(path: Path) -> Iterator[tuple[str, bool]]:
    """(module, whether only for types) of every import in a file."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    typing = {id(inner) for node in ast.walk(tree) if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test) for inner in ast.walk(node)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, id(node) in typing) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            if node.module != "readiness":
                yield node.module, id(node) in typing
            if node.module.split(".")[0] == "readiness":
                names = (f"{node.module}.{alias.name}" for alias in node.names)
                yield from ((name, id(node) in typing) for name in names)


def test_every_module_has_its_layer() -> None:
    names = {path.relative_to(PACKAGE).parts[0].removesuffix(".py") for path in modules()}
    assert {name for name in names - {"__init__", "__main__"} if level(name) is None} == set()


@pytest.mark.parametrize("path", list(modules()), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_point_one_way(path: Path) -> None:
    layer = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    mine = level(layer)
    for name, only_types in imported(path):
        parts = name.split(".")
        if parts[0] == "readiness" and len(parts) > 1 and mine is not None and not only_types:
            other = level(parts[1])
            assert parts[1] == layer or other is None or other < mine, f"imports {name}, which stands above it"


@pytest.mark.parametrize("room", ROOMS)
def test_rooms_import_one_way(room: str) -> None:
    """Kinds and checks each have rows of their own; a room may import itself and the rows below."""
    rows = {name: number for number, row in enumerate(ROOMS[room]) for name in row}
    wrong = []
    for path in sorted((PACKAGE / room).rglob("*.py")):
        mine = path.relative_to(PACKAGE / room).parts[0].removesuffix(".py")
        if mine == "__init__":
            continue
        assert mine in rows, f"{room}/{mine} stands in no row"
        for name, only_types in imported(path):
            parts = name.split(".")
            other = parts[2] if parts[:2] == ["readiness", room] and len(parts) > 2 else mine
            if other != mine and not only_types and rows.get(other, -1) >= rows[mine]:
                wrong.append(f"{path.relative_to(PACKAGE)} imports {name}")
    assert not wrong


@pytest.mark.parametrize("path", list(modules()), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_packages_from_outside_come_in_by_one_door(path: Path) -> None:
    inside = path.relative_to(PACKAGE).as_posix()
    for name, _ in imported(path):
        doors = DOORS.get(name.split(".")[0])
        assert doors is None or inside in doors, f"{name} is imported by {sorted(doors or ['nobody'])} only"


def dotted_name(node: ast.AST) -> str:
    """`os.path.join` of a name or of attributes of one; `?` for what is worked out."""
    if isinstance(node, ast.Attribute):
        return f"{dotted_name(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else "?"


def dotted_names(path: Path) -> Iterator[str]:
    """Every name with its attributes in a module, and what is imported from a module as `module.name`."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Attribute):
            yield dotted_name(node)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


STARTING = re.compile(r"os\.(?:exec|spawn|posix_spawn|fork|system|popen|startfile)\w*\Z|signal\.pthread_kill\Z")


def test_processes_are_started_by_one_door() -> None:
    """`run_program` starts whatever comes from outside; the workers of `run/parallel` run this package's own rules."""
    starting = {path.relative_to(PACKAGE).as_posix() for path in modules() if any(map(STARTING.match, dotted_names(path)))}
    assert starting == set(STARTERS)


def test_nothing_is_run_that_was_read() -> None:
    """No text becomes code: `exec`, `eval` and `compile` are called by nobody, and modules are imported by names of this package."""
    called = {
        (path.relative_to(PACKAGE).as_posix(), node.func.id)
        for path in modules()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in {"exec", "eval", "compile", "__import__"}
    }
    assert called <= {("model/records.py", "exec")}


def test_the_environment_is_read_by_few() -> None:
    names = ("os.environ", "os.environb", "os.getenv", "os.getenvb")
    reading = {path.relative_to(PACKAGE).as_posix() for path in modules() if any(name.startswith(names) for name in dotted_names(path))}
    assert reading == set(ENVIRONMENT_READERS)


OPENING = {"open", "read_text", "read_bytes", "open_code", "fdopen", "copyfile", "copy", "copy2", "copytree", "sendfile"}


def test_files_are_opened_by_one_door() -> None:
    """Whoever else opens one is written down with the reason. `copy` counts where it is `shutil`'s."""
    opening = set()
    for path in modules():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            name = dotted_name(node.func).rpartition(".") if isinstance(node, ast.Call) else ("", "", "")
            if name[2] in OPENING and (not name[2].startswith("copy") or name[0] == "shutil"):
                opening.add(path.relative_to(PACKAGE).as_posix())
    assert opening == set(OPENERS)


@pytest.mark.parametrize("door", [*STARTERS, *ENVIRONMENT_READERS, *OPENERS])
def test_exceptions_are_modules_with_a_reason(door: str) -> None:
    assert (PACKAGE / door).is_file()
    assert (STARTERS | ENVIRONMENT_READERS | OPENERS)[door]


def module_of(path: Path) -> str:
    parts = ("readiness", *path.relative_to(PACKAGE).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def test_places_of_nodes_are_set_by_their_methods() -> None:
    outside = [path for path in modules() if path.parent.name != "syntax"]
    assert [path.name for path in outside if "._edges" in path.read_text(encoding="utf-8")] == []


def test_no_circles() -> None:
    """Imports inside of functions count too: a circle that is put off is one still."""
    known = {module_of(path): path for path in modules()}
    graph: dict[str, set[str]] = {}
    for name, path in known.items():
        wanted = {other for other, only_types in imported(path) if not only_types}
        graph[name] = wanted & known.keys() - {name}
    try:
        tuple(graphlib.TopologicalSorter(graph).static_order())
    except graphlib.CycleError as error:
        pytest.fail(f"modules import each other: {' -> '.join(error.args[1])}")


@pytest.mark.parametrize("path", list(modules()), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_a_file_is_one_idea(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").count("\n")
    assert lines <= LINES, "split it where it holds two ideas"


@pytest.mark.parametrize("path", list(modules()), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_a_function_does_one_thing(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef):
            body = node.body[1:] if ast.get_docstring(node) and node.body[1:] else node.body
            lines = (node.end_lineno or 0) - body[0].lineno + 1
            assert lines <= STATEMENTS, f"{node.name} has {lines} lines"


def loaded(code: str) -> set[str]:
    out = subprocess.run(
        [sys.executable, "-c", f"{code}; import sys; print(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    )
    return set(out.stdout.split())


def test_the_start_is_light() -> None:
    names = loaded("import readiness.cli.main")
    heavy = {
        "rich",
        "jsonschema",
        "checkov",
        "yaml",
        "markdown_it",
        "tree_sitter",
        "dockerfile",
        "readiness.api",
    }
    assert heavy & names == set()
    assert not any(name.startswith("readiness.checks.") for name in names)


def test_what_looks_at_a_kind_is_loaded_where_there_is_one() -> None:
    names = loaded("import readiness.api")
    assert [name for name in names if name.startswith(("readiness.kinds.", "readiness.checks."))] == []


def test_no_module_compiles_a_regular_expression_when_it_is_imported() -> None:
    """A run uses a fifth of those that it imports; `lazy_regex` waits for the first use. `programs` is imported where one is run."""
    compiling = "import re, sys; from pathlib import Path; compiled = []; make = re.compile"
    watched = "re.compile = lambda *given: compiled.append(Path(sys._getframe(1).f_code.co_filename).parts) or make(*given)"
    apart = ("readiness.__main__", "readiness.loading.render.worker", "readiness.programs")
    every = [name for name in map(module_of, modules()) if not name.startswith(apart)]
    code = f"{compiling}; {watched}; import importlib; [importlib.import_module(name) for name in {every}]"
    out = subprocess.run([sys.executable, "-c", f"{code}; print(*['/'.join(one) for one in compiled])"], capture_output=True, text=True, check=True)
    assert [one for one in out.stdout.split() if "/readiness/" in one and "/programs/" not in one] == []


# What may be imported beside a kind's own modules where a run has files of that kind only: what stands below it.
ALONE = {
    "k8s": ("pod.yaml", (
        "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: a, image: 'a:1'}]}\n---\n"
        "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: a}\nspec: {rules: [{host: a.example.com}]}\n"
    )),
    "dockerfile": ("Dockerfile", "FROM alpine:3.20\nCOPY a /a\nUSER 1000\nCMD [\"/a\"]\n"),
    "nginx": ("nginx.conf", "http { server { listen 80; server_name a.example.com; location / { return 204; } } }\n"),
}  # fmt: skip


@pytest.mark.parametrize("kind", ALONE)
def test_a_run_over_one_kind_leaves_the_others_out(kind: str, tmp_path: Path) -> None:
    """What another kind means is not imported where no file is of it: half of a short run would be those imports."""
    name, text = ALONE[kind]
    (tmp_path / name).write_text(text)
    names = loaded(f"import readiness; readiness.check([{str(tmp_path)!r}], select=['ALL'])")
    others = {
        "k8s",
        "dockerfile",
        "compose",
        "github",
        "gitlab",
        "nginx",
        "delivery",
        "pipeline",
    } - {kind}
    rooms = {tuple(name.split(".")[1:3]) for name in names if name.count(".") >= 2}
    assert {(room, other) for room in ("kinds", "checks") for other in others} & rooms == set()
    assert names.isdisjoint({"readiness.programs.git", "readiness.ruleset.verification", "subprocess"})


def test_tests_stand_in_rooms_as_the_package_does() -> None:
    """A test is found by the room of what it tests; `conformance` and `snapshots` are data of the whole, `fuzz` is about all of it."""
    tests = Path(__file__).resolve().parent
    folders = {one.parent.relative_to(tests).as_posix() for one in tests.rglob("test_*.py")}
    rooms = {one.parent.relative_to(PACKAGE).as_posix() for one in PACKAGE.rglob("*.py")}
    assert folders - {"fuzz"} <= rooms

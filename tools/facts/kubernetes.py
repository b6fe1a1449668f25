"""The kinds of Kubernetes and the fields of their types: readiness/facts/kubernetes-kinds.json and kubernetes-types.json.

The source is the official Python client, which is generated from Kubernetes' own OpenAPI document; it is read, never run.

    pip download kubernetes==37.0.2 --no-deps && unzip kubernetes-*.whl -d client
    python -m tools.facts.kubernetes client --read 2026-11-06    # the day on which the wheel was made: `unzip -l`

Types are written short: `s` a string, `i` a whole number, `n` a number, `b` true or false, `q` a quantity, `o` anything, `[]` a
list of what follows, `{}` a mapping to it, else the name of another type; `!` says that the field is required. What the cluster
writes (`status`) is anything.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tools.facts import writing

SOURCE = [
    "https://pypi.org/project/kubernetes/",
    "https://github.com/kubernetes/kubernetes/tree/master/api/openapi-spec",
]
PLAIN = {
    "str": "s", "datetime": "s", "bytes": "s", "int": "i", "float": "n", "bool": "b", "object": "o",
}  # fmt: skip
# The client knows quantities as strings; these fields, where they hold one, are quantities.
QUANTITIES = frozenset(
    "averageValue capacity default defaultRequest divisor hard limits max maxLimitRequestRatio maximumVolumeSize min overhead"
    " podFixed requests sizeLimit value".split()
)  # fmt: skip
_PATH = re.compile(r"/(?:api/(v1)|apis/([^/]+/v[^/]+))/(namespaces/\{namespace\}/)?[a-z]+\Z")
_KIND = re.compile(r"(?:[A-Z][a-z]+(?=V\d))?V\d+(?:(?:alpha|beta)\d+)?(\w+)\Z")
_LIST = re.compile(r"[Ll]ist\[(.+)\]\Z")
_MAPPING = re.compile(r"[Dd]ict[\[(]str, (.+)[\])]\Z")
_VERSION = re.compile(r"OpenAPI document: release-(\d+\.\d+)")


def main() -> None:
    """Write both files."""
    given = writing.arguments(__doc__.split("\n", 1)[0], "the folder of the unpacked wheel")
    client = given.source / "kubernetes" / "client"
    found = _VERSION.search((client / "api_client.py").read_text(encoding="utf-8"))
    if found is None:
        raise SystemExit(f"{client}: api_client.py names no release of Kubernetes")
    things = dict(sorted(kinds(client / "api")))
    known = {name: fields for path in sorted((client / "models").glob("*.py")) for name, fields in types(path)}
    used = reachable({row["type"] for row in things.values()}, known)
    head = {
        "source": SOURCE,
        "version": found[1],
        "read": given.read.isoformat(),
        "every": "180d",
        "made-by": "tools/facts/kubernetes.py",
    }
    write("kubernetes-kinds", head, things)
    write("kubernetes-types", head, {name: known[name] for name in sorted(used)})


def write(topic: str, head: dict[str, Any], rows: dict[str, Any]) -> None:
    """A file of facts as JSON, with a row a line."""
    lines = ",\n".join(f"{json.dumps(name)}:{json.dumps(row, separators=(',', ':'))}" for name, row in rows.items())
    text = f'{json.dumps(head)[:-1]}, "rows":{{\n{lines}\n}}}}\n'
    (writing.FOLDER / f"{topic}.json").write_text(text, encoding="utf-8", newline="\n")


def kinds(folder: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """`version kind` of all that can be created, with its type and whether it stands in no namespace."""
    for path in sorted(folder.glob("*_api.py")):
        functions = [node for node in ast.walk(tree(path)) if isinstance(node, ast.FunctionDef)]
        paths = {node.name: address(node) for node in functions}
        for node in functions:
            place = _PATH.match(paths.get(f"_{node.name}_serialize", ""))
            made = ast.unparse(node.returns) if node.returns is not None else ""
            kind = _KIND.match(made)
            if node.name.startswith("create_") and place and kind:
                row: dict[str, Any] = {"type": made}
                yield (
                    f"{place[1] or place[2]} {kind[1]}",
                    row | ({} if place[3] else {"cluster": True}),
                )


def address(function: ast.FunctionDef) -> str:
    """The path of the API that a function asks; empty where it asks none."""
    words = (node for node in ast.walk(function) if isinstance(node, ast.keyword) and node.arg == "resource_path")
    return next((str(ast.literal_eval(word.value)) for word in words), "")


def types(path: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """The types of a module, with the short form of each field's type."""
    for node in tree(path).body:
        if isinstance(node, ast.ClassDef):
            own = [one for one in node.body if isinstance(one, ast.AnnAssign)]
            told = {ast.unparse(one.target): one for one in own}
            if "openapi_types" in told:
                yield node.name, fields(told)


def fields(told: dict[str, ast.AnnAssign]) -> dict[str, str]:
    """The fields of a type by their names in YAML."""
    kinds_of, names = (literal(told[one]) for one in ("openapi_types", "attribute_map"))
    made = {}
    for attribute, name in names.items():
        form = short(kinds_of[attribute], name)
        form = "o" if name == "status" and form not in PLAIN.values() else form
        made[name] = form + ("!" if required(told, attribute, name) else "")
    return dict(sorted(made.items()))


def required(told: dict[str, ast.AnnAssign], attribute: str, name: str) -> bool:
    """Whether a field must be there; a name that Python has taken stands in the class under another one."""
    alias = f"serialization_alias={name!r}"
    found = told.get(attribute) or next((one for one in told.values() if one.value and alias in ast.unparse(one.value)), None)
    return found is not None and not ast.unparse(found.annotation).startswith(("Optional", "Any"))


def literal(node: ast.AnnAssign) -> dict[str, str]:
    """The mapping that an assignment writes out."""
    found: dict[str, str] = ast.literal_eval(node.value) if node.value is not None else {}
    return found


def short(kind: str, name: str) -> str:
    """The short form of a field's type."""
    inner = _LIST.match(kind)
    if inner:
        return f"[]{short(inner[1], '')}"
    inner = _MAPPING.match(kind)
    if inner:
        return f"{{}}{short(inner[1], name)}"
    return "q" if kind == "str" and name in QUANTITIES else PLAIN.get(kind, kind)


def reachable(names: set[str], known: dict[str, dict[str, str]]) -> set[str]:
    """The types that these lead to, themselves included."""
    found: set[str] = set()
    left = list(names)
    while left:
        name = left.pop().rstrip("!").replace("[]", "").replace("{}", "")
        if name in known and name not in found:
            found.add(name)
            left += known[name].values()
    return found


def tree(path: Path) -> ast.Module:
    """The syntax of a module."""
    return ast.parse(path.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()

"""Whose repository a tree is by its own files, and what is told of that owner's actions."""

from __future__ import annotations

from pathlib import Path

import pytest

from readiness.api import check
from readiness.kinds.github.owner import set_repository_owners
from readiness.model import Severity, Source
from tests.make import write_files

CI = ".github/workflows/ci.yml"
ASKS = "on: push\nrun: curl -s https://api.github.com/repos/acme/shop/releases/latest\n"
PUSHES = "on: push\njobs:\n  a:\n    permissions:\n      packages: write\n    tags: ghcr.io/acme/web:1\n"
SAYS = {
    "a condition on the owner": ({CI: "if: github.repository_owner == 'Acme'\n"}, "acme"),
    "a condition on the repository": ({CI: "if: ${{ github.repository == 'acme/shop' }}\n"}, "acme"),
    "a badge": ({"README.md": "![b](https://github.com/acme/shop/actions/workflows/ci.yml/badge.svg)\n"}, "acme"),
    "teams": ({".github/CODEOWNERS": "# @other/x\n* @acme/shop @somebody\n/docs @acme/docs\n"}, "acme"),
    "several that agree": ({CI: "if: github.repository == 'acme/a'\n", "CODEOWNERS": "* @acme/shop\n"}, "acme"),
    "a condition that was copied": (
        {CI: "a: github.repository == 'acme/a'\nb: github.repository_owner == 'upstream'\n"},
        "",
    ),
    "teams of somebody else": ({CI: "if: github.repository == 'acme/a'\n", "CODEOWNERS": "* @other/team\n"}, ""),
    "a condition in a comment": ({CI: "# if: github.repository == 'acme/shop'\n"}, ""),
    "a condition against forks": ({CI: "if: github.repository != 'acme/shop'\n"}, ""),
    "a condition on the head": ({CI: "if: github.event.pull_request.head.repo.full_name == 'acme/shop'\n"}, ""),
    "a badge of a workflow elsewhere": (
        {"README.md": "https://github.com/acme/shop/actions/workflows/release.yml/badge.svg\n"},
        "",
    ),
    "a badge in another folder": (
        {"docs/README.md": "https://github.com/acme/shop/actions/workflows/ci.yml/badge.svg\n"},
        "",
    ),
    "a person who owns code": ({"CODEOWNERS": "* @somebody mail@acme/x.example\n"}, ""),
    "a module": ({"go.mod": "module github.com/acme/shop/v2\n\ngo 1.24\n"}, "acme"),
    "a dependency of a module": ({"go.mod": "module shop\nrequire github.com/acme/lib v1.0.0\n"}, ""),
    "a package": ({"package.json": '{"name": "shop",\n  "repository": {"type": "git", "url": "git+https://github.com/acme/shop.git"}}\n'}, "acme"),
    "a package in short": ({"package.json": '{\n  "repository": "github:acme/shop"\n}\n'}, "acme"),
    "a package elsewhere": ({"package.json": '{\n  "repository": "https://gitlab.com/acme/shop"\n}\n'}, ""),
    "a crate": ({"Cargo.toml": '[package]\nrepository = "https://github.com/acme/shop"\n'}, "acme"),
    "the module of a fork": ({"go.mod": "module github.com/upstream/shop\n", CI: "if: github.repository == 'acme/shop'\n"}, ""),
    "a release that is asked for, of a chart": ({CI: ASKS, "charts/a/Chart.yaml": "home: https://github.com/Acme/shop/tree/main\n"}, "acme"),
    "a release that is asked for, of a README": ({CI: ASKS, "README.md": "[a](https://github.com/acme/shop)\n"}, "acme"),
    "a release of somebody else": ({CI: ASKS, "README.md": "https://github.com/acme/shopping https://github.com/acme/other\n"}, ""),
    "a release that nothing else names": ({CI: ASKS}, ""),
    "a README further down": ({CI: ASKS, "docs/README.md": "https://github.com/acme/shop\n"}, ""),
    "an image that is pushed": ({CI: PUSHES, "README.md": "https://github.com/acme/other/issues\n"}, "acme"),
    "an image that is pushed, and one of others": ({CI: PUSHES + "- ghcr.io/others/a:1\n", "README.md": "https://github.com/acme/other\n"}, "acme"),
    "images of two": ({CI: PUSHES + "- ghcr.io/b/a:1\n", "README.md": "https://github.com/acme/a https://github.com/b/a\n"}, ""),
    "an image that is pulled": ({CI: PUSHES.replace("write", "read"), "README.md": "https://github.com/acme/other\n"}, ""),
    "an address against a condition": ({CI: ASKS + "if: github.repository_owner == 'fork'\n", "README.md": "https://github.com/acme/shop\n"}, "fork"),
    "nothing": ({}, ""),
}  # fmt: skip


@pytest.mark.parametrize(("files", "owner"), SAYS.values(), ids=SAYS)
def test_who_owns_a_repository(files: dict[str, str], owner: str) -> None:
    texts = {CI: "on: push\n", **files}
    sources = [Source(path, text) for path, text in texts.items()]
    set_repository_owners(sources)
    (workflow,) = (one for one in sources if one.path == CI)
    assert workflow.repository_owner == owner


def test_each_repository_of_a_tree_has_its_own() -> None:
    texts = {
        f"a/{CI}": "if: github.repository_owner == 'acme'\n",
        "a/.github/actions/x/action.yml": "name: x\n",
        f"b/{CI}": "if: github.repository_owner == 'other'\n",
        "a/compose.yaml": "services: {}\n",
    }
    sources = [Source(path, text) for path, text in texts.items()]
    set_repository_owners(sources)
    assert [one.repository_owner for one in sources] == ["acme", "acme", "other", ""]


WORKFLOW = """on: push
permissions: {{contents: write}}
jobs:
  call:
    {condition}
    uses: acme/workflows/.github/workflows/renew.yml@main
    secrets: inherit
  build:
    runs-on: ubuntu-24.04
    steps:
      - uses: acme/setup@v3
      - uses: other/setup@main
      - uses: other/setup@v3
"""


@pytest.mark.parametrize(
    ("condition", "severities"),
    [
        ("if: github.repository == 'acme/shop'", {5: Severity.MEDIUM, 10: Severity.LOW}),
        ("if: github.repository == 'someone/shop'", {5: Severity.HIGH, 10: Severity.MEDIUM}),
        ("name: call", {5: Severity.MEDIUM, 10: Severity.MEDIUM}),
    ],
)
def test_the_owners_own_actions_are_no_third_partys(tmp_path: Path, condition: str, severities: dict[int, Severity]) -> None:
    write_files(tmp_path, {CI: WORKFLOW.format(condition=condition)})
    found = {one.line: one for one in check([tmp_path]).findings if one.rule == "ci/action-unpinned"}
    told = {line: one.severity for line, one in found.items()}
    severity_of_others = Severity.HIGH if "repository" in condition else Severity.MEDIUM  # without an owner nobody is a stranger
    assert told == {6: severities[5], 11: severities[10], 12: severity_of_others, 13: Severity.MEDIUM}
    is_own = severities[10] is Severity.LOW
    assert ("of this repository's owner" in found[6].message) is is_own
    assert "of this repository's owner" not in found[12].message

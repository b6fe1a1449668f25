"""What pipelines are taken for: by their place alone, and never where their service reads them."""

from __future__ import annotations

import pytest

from readiness.kinds import github
from readiness.kinds.pipeline import purpose
from readiness.model import Source

TEXT = "on: push\njobs: {test: {runs-on: ubuntu-24.04, steps: [{run: make test}]}}\n"


@pytest.mark.parametrize(
    ("path", "head", "word"),
    [
        (".github/workflows/test.yml", "", ""),
        ("api/.github/workflows/ci.yml", "", ""),
        (".github/actions/test/action.yml", "", ""),
        ("tests/app/.github/workflows/ci.yml", "", "test"),
        ("examples/app/.github/workflows/ci.yml", "", "sample"),
        ("examples/ci.yml", "", ""),
        ("ci/deploy.yml", "", ""),
        (".github/workflows/a.yml", "# readiness: purpose=preview\n", "preview"),
    ],
)
def test_what_a_pipeline_is_for(path: str, head: str, word: str) -> None:
    document = github.parse(Source(path, head + TEXT, kind="github"))
    purpose.take_purposes([document], (path,))
    found = document.source.purposes.get("")
    assert (found.word if found else "") == word

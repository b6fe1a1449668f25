"""What the comment at the head of a file says that the file is for."""

from __future__ import annotations

import pytest

from readiness.kinds.head import purpose_at_head

LICENCE = (
    "# Licensed to the Shop Foundation under one or more\n# contributor license agreements.\n#\n"
    '# Unless required by law, it is distributed on an "AS IS" BASIS,\n# WITHOUT CONDITIONS OF ANY KIND.\n#\n\n'
)


def word(comment: str) -> str | None:
    found = purpose_at_head(comment + "\n\nservices: {}\n", "stack.yaml")
    return found[0] if found else None


@pytest.mark.parametrize(
    ("sentence", "purpose"),
    [
        ("# This compose file is provided for the purpose of testing sources.", "test"),
        ("# This compose file is provided with the purposes of locally testing sources\n# that can be containerized.", "test"),
        ("# The stack is there for the purpose of local development", "development"),
        ("## Docker-compose for disk-queue durability smoke test.\n##\n## Two nodes.", "test"),
        ("# Setup for the broker's load tests", "test"),
        ("# This file defines the services and deployments for the Bookshop sample.\n#\n# To apply all of them:", "sample"),
        ("# This manifest deploys three pods for the guestbook demo application", "demo"),
    ],
)
@pytest.mark.parametrize("licence", ["", LICENCE])
def test_what_a_head_says(sentence: str, purpose: str, licence: str) -> None:
    assert word(licence + sentence) == purpose


@pytest.mark.parametrize(
    "sentence",
    [
        "# This compose file has nothing to do with testing sources.",
        "# Compose for the load test service of the shop",
        "# Compose for the shop, with smoke tests run before each release",
        "# Sample configuration",
        "# over a 40,000-record sample spanning 23 hours",
        "# This file defines the rate for the sample that is kept",
        "# This file defines the port for the demo.",
        "# The file is provided for the purpose of production, and of testing before it",
    ],
)
def test_what_tells_of_something_else(sentence: str) -> None:
    assert word(sentence) is None
    assert word(LICENCE + sentence) is None

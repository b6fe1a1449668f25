"""What once failed in fuzzing fails no more."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.fuzz import corpus
from tests.fuzz.kinds import FUZZ_KINDS
from tests.fuzz.worker import Worker

ENTRIES = list(corpus.entries())
MAX_CORPUS_BYTES = 8_000  # of one input: a larger one says less


@pytest.fixture(scope="module")
def workers() -> Iterator[tuple[Worker, Worker]]:
    with Worker(0) as first, Worker(1) as second:
        yield first, second


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda one: f"{one.kind}-{one.name}")
def test_an_input_of_the_corpus_fails_no_more(entry: corpus.Entry, workers: tuple[Worker, Worker]) -> None:
    first, second = (one.judge(entry.kind, entry.files, counted=True) for one in workers)
    assert first.failure is None
    assert second.digest == first.digest


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda one: f"{one.kind}-{one.name}")
def test_an_input_of_the_corpus_is_named_and_told(entry: corpus.Entry) -> None:
    assert entry.kind in FUZZ_KINDS
    assert entry.name == corpus.content_name(entry.files)
    assert len(entry.was.split()) >= 5, "say in a sentence what it was"
    assert (corpus.CORPUS / entry.kind / f"{entry.name}.json").stat().st_size <= MAX_CORPUS_BYTES

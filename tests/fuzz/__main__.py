"""Fuzz a kind of input, or all: `python -m tests.fuzz KIND... --minutes N [--seed N]`; exit 1 where something failed."""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from tests.fuzz import corpus
from tests.fuzz.kinds import FUZZ_KINDS, Files
from tests.fuzz.minimise import minimised
from tests.fuzz.mutations import SECRET_LINE_FORMS
from tests.fuzz.oracle import PLANTED, STAGES, Failure
from tests.fuzz.worker import Worker

EVERY_SECOND_JUDGED = 10  # of so many inputs one is judged by another process, too, and what is put out must be the same
EVERY_SHOWN_AT_LENGTH = 4  # of so many inputs one is shown in the long reports, too, which take as long as all the rest
EVERY_PLANTED = 3  # of so many inputs one has a secret planted
Signature = tuple[str, str, str]


def input_with_number(kind: str, seed: int, number: int) -> Files:
    """The input with a number; of three, one has a line with a secret in one of its files."""
    files = FUZZ_KINDS[kind].input_of(seed, number)
    if number % EVERY_PLANTED == 0:
        rng = random.Random(f"planted:{kind}:{seed}:{number}")  # noqa: S311
        path = rng.choice(sorted(files))
        lines = files[path].split(b"\n")
        lines.insert(rng.randrange(len(lines) + 1), rng.choice(SECRET_LINE_FORMS).format(PLANTED).encode())
        files[path] = b"\n".join(lines)
    return files


class Campaign:
    """The inputs of one kind, one after the other, and what came of them."""

    def __init__(self, kind: str, seed: int, workers: tuple[Worker, Worker], *, counted: bool = False) -> None:
        self.kind = kind
        self.seed = seed
        self.workers = workers
        self.counted = counted
        self.tried = 0
        self.failed: Counter[Signature] = Counter()
        self.first_by_signature: dict[Signature, tuple[int, Files]] = {}
        self.slowest = (0.0, 0)

    def try_next(self) -> Signature | None:
        """Judge the next input; the signature of a failure that is new."""
        number, self.tried = self.tried, self.tried + 1
        files = input_with_number(self.kind, self.seed, number)
        stages = STAGES if number % EVERY_SHOWN_AT_LENGTH == 0 else STAGES[:-1]
        failure = self._failure_of(files, stages, is_judged_twice=number % EVERY_SECOND_JUDGED == 0)
        if failure is None:
            return None
        signature = signature_of(failure)
        self.failed[signature] += 1
        if signature in self.first_by_signature:
            return None
        self.first_by_signature[signature] = number, files
        return signature

    def _failure_of(self, files: Files, stages: Sequence[str], *, is_judged_twice: bool) -> Failure | None:
        verdict = self.workers[0].judge(self.kind, files, stages, counted=self.counted)
        self.slowest = max(self.slowest, (round(verdict.seconds, 2), self.tried - 1))
        if verdict.failure or not is_judged_twice:
            return verdict.failure
        second = self.workers[1].judge(self.kind, files, stages[1:], counted=self.counted)
        return second.failure or (
            None if second.digest == verdict.digest else Failure("differs", "reports", "another process puts out something else")
        )

    def minimised(self, signature: Signature) -> Files:
        """The least input found that fails as the first one with a signature did."""
        sort, stage, _ = signature

        def fails_alike(candidate: Files) -> bool:
            failure = (
                self._failure_of(candidate, STAGES, is_judged_twice=True)
                if sort == "differs"
                else self.workers[0].judge(self.kind, candidate, [stage], counted=self.counted).failure
            )
            return failure is not None and signature_of(failure) == signature

        files = self.first_by_signature[signature][1]
        return minimised(files, fails_alike, seconds=60 if sort in {"slow", "hang", "died"} else 120)


def signature_of(failure: Failure) -> Signature:
    """What makes two failures the same: numbers in what was seen do not count, but for lines of code."""
    words = [word if ".py" in word else "".join("0" if char.isdigit() else char for char in word) for word in failure.detail.split()]
    return failure.sort, failure.stage, " ".join(words)[:200]


def run(kind: str, seed: int, workers: tuple[Worker, Worker], options: argparse.Namespace) -> int:
    """Fuzz one kind; how many failures of different signatures there were."""
    campaign = Campaign(kind, seed, workers, counted=options.counted)
    campaign.tried = options.start
    began = time.monotonic()
    while (campaign.tried - options.start < options.inputs) if options.inputs else time.monotonic() < began + 60 * options.minutes:
        signature = campaign.try_next()
        if signature is not None:
            number, files = campaign.first_by_signature[signature]
            sort, stage, detail = signature
            print(f"{kind} {number}: {sort} in {stage}: {detail}", flush=True)
            if not options.keep:
                files = campaign.minimised(signature)
            where = corpus.store(kind, files, f"{sort} in {stage}: {detail}".strip(": "), options.into)
            print(f"  {sum(map(len, files.values()))} bytes in {where}", flush=True)
    sorts = Counter(sort for sort, _, _ in campaign.first_by_signature)
    print(
        f"{kind}: {campaign.tried - options.start} inputs from seed {seed} in {time.monotonic() - began:.0f} s, "
        f"slowest {campaign.slowest[0]} s (input {campaign.slowest[1]}); "
        + (", ".join(f"{count} {sort}" for sort, count in sorted(sorts.items())) or "nothing failed"),
        flush=True,
    )
    return len(campaign.first_by_signature)


def main(arguments: list[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("kinds", nargs="+", choices=[*FUZZ_KINDS, "all"], metavar="KIND", help=", ".join([*FUZZ_KINDS, "all"]))
    parser.add_argument("--minutes", type=float, default=1, help="for each kind (default 1)")
    parser.add_argument("--inputs", type=int, default=0, help="so many for each kind, in place of minutes: the same every time")
    parser.add_argument("--seed", type=int, default=0, help="another seed makes other inputs")
    parser.add_argument("--start", type=int, default=0, help="the number of the first input")
    parser.add_argument("--counted", action="store_true", help="count the work of parsers and time nothing")
    parser.add_argument("--keep", action="store_true", help="write failures down as they are, not minimised")
    parser.add_argument("--into", type=Path, default=corpus.CORPUS, help="where failures are written down")
    options = parser.parse_args(arguments)
    kinds = list(FUZZ_KINDS) if "all" in options.kinds else options.kinds
    with Worker(0) as first, Worker(1) as second:
        return min(sum(run(kind, options.seed, (first, second), options) for kind in kinds), 1)


if __name__ == "__main__":
    sys.exit(main())

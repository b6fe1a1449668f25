"""Lines of an earlier text in a later one: told whatever else changed, in little work whatever they hold."""

from __future__ import annotations

import random
from functools import partial

from readiness.triage.line_alignment import align_lines
from tests.effort import effort


def text_of(lines: list[str]) -> str:
    return "\n".join(lines) + "\n"


def test_lines_that_only_moved_down_or_were_indented_are_kept() -> None:
    earlier = ["a:", "  b: 1", "  c: 2", "d: 3"]
    later = ["# new", "x:", "  a:", "    b: 1", "    # more", "    c: 2", "  d: 3"]
    assert align_lines(text_of(earlier), text_of(later)).kept == {3: 1, 4: 2, 6: 3, 7: 4}


def test_a_line_that_was_rewritten_has_its_stretch_in_both() -> None:
    alignment = align_lines("a\nb\nc\nd\n", "a\nB\nB2\nc\nd\n")
    assert alignment.kept == {1: 1, 4: 3, 5: 4}
    assert alignment.hunk_by_line == {2: ((2, 3), (2, 4)), 3: ((2, 3), (2, 4))}


def test_lines_that_stand_many_times_are_kept_between_those_that_do_not() -> None:
    earlier = ["one", "x", "x", "two", "x", "three"]
    later = ["zero", "one", "x", "x", "two", "added", "x", "three"]
    assert align_lines(text_of(earlier), text_of(later)).kept == {2: 1, 3: 2, 4: 3, 5: 4, 7: 5, 8: 6}


def test_nothing_is_kept_twice_and_everything_has_a_place() -> None:
    chance = random.Random(7)  # noqa: S311
    for _ in range(60):
        earlier = [str(chance.randint(0, 9)) for _ in range(chance.randint(1, 30))]
        later = [line for line in earlier if chance.random() > 0.2] + ["end"]
        for _ in range(chance.randint(0, 6)):
            later.insert(chance.randint(0, len(later)), str(chance.randint(0, 12)))
        alignment = align_lines(text_of(earlier), text_of(later))
        assert len(set(alignment.kept.values())) == len(alignment.kept)
        assert all(earlier[before - 1] == later[now - 1] for now, before in alignment.kept.items())
        assert sorted([*alignment.kept, *alignment.hunk_by_line]) == list(range(1, len(text_of(later).splitlines()) + 1))


def test_hostile_texts_take_work_that_grows_with_their_length() -> None:
    def work(count: int) -> int:
        pairs = [
            ("x\n" * count, "y\n" + "x\n" * count + "y\n"),
            ("".join(f"{n}\n" for n in range(count)), "".join(f"{n}\n" for n in range(count, 0, -1))),
            ("a\nb\n" * count, "b\na\na\n" * count),
        ]
        return sum(effort(partial(align_lines, *pair)) for pair in pairs)

    assert work(800) < 5 * work(200)

"""What a project works out once: for all of it, and for one subject."""

from __future__ import annotations

import gc

from readiness.model.project import Project


class Thing:
    """A subject that is equal to every other one."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Thing)

    def __hash__(self) -> int:
        return 0


def serial(thing: Thing, project: Project) -> int:
    """How many subjects were asked for before."""
    counted: list[Thing] = project.memoize(asked)
    counted.append(thing)
    return len(counted)


def asked(_project: Project) -> list[Thing]:
    return []


def other_serial(thing: Thing, project: Project) -> int:
    return -serial(thing, project)


def test_a_subject_is_looked_at_once_by_each_question() -> None:
    project, thing = Project([]), Thing()
    assert [project.memoize_for_subject(serial, thing) for _ in range(3)] == [1, 1, 1]
    assert [project.memoize_for_subject(other_serial, thing) for _ in range(2)] == [-2, -2]


def test_subjects_are_told_apart_by_identity() -> None:
    project, one, other = Project([]), Thing(), Thing()
    assert (
        project.memoize_for_subject(serial, one),
        project.memoize_for_subject(serial, other),
    ) == (1, 2)


def test_a_subject_that_is_gone_leaves_its_answer_to_no_other() -> None:
    """Python gives the identity of what is gone to the next thing of its size."""

    def label(thing: list[int], _project: Project) -> int:
        return thing[0]

    project = Project([])
    for number in range(100):
        assert project.memoize_for_subject(label, [number]) == number
        gc.collect(0)


def test_answers_belong_to_one_project() -> None:
    thing = Thing()
    assert Project([]).memoize_for_subject(serial, thing) == Project([]).memoize_for_subject(serial, thing) == 1


def test_nothing_is_an_answer_too() -> None:
    calls: list[Thing] = []

    def nothing(thing: Thing, _project: Project) -> None:
        calls.append(thing)

    project, thing = Project([]), Thing()
    assert project.memoize_for_subject(nothing, thing) is None
    assert project.memoize_for_subject(nothing, thing) is None
    assert len(calls) == 1

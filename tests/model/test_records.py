"""The dataclasses of the package: what those of dataclasses do, and nothing compiled before there is an instance."""

from __future__ import annotations

import ast
import dataclasses
from dataclasses import field, fields, replace

import pytest

from readiness.model.records import dataclass
from tests.patterns import PACKAGE


class Base:
    __slots__ = ()

    @property
    def length(self) -> int:
        return len(self.words)  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True)
class Told(Base):
    """A value."""

    name: str
    words: tuple[str, ...] = ()
    count: int = 3


@dataclass(slots=True)
class Gathered:
    """What is filled."""

    name: str
    found: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, eq=False)
class Subject:
    """A place."""

    name: str


@dataclass(frozen=True)
class Narrowed(Told):
    """One that has more."""

    reason: str = "none"


def test_fields_are_given_in_order_or_by_name_and_have_defaults() -> None:
    for _ in range(2):  # the first instance compiles, the second finds what it made
        told = Told("a", count=4)
        assert (told.name, told.words, told.count, told.length) == ("a", (), 4, 0)
    assert [one.name for one in fields(Told)] == ["name", "words", "count"]


@pytest.mark.parametrize("given", [(), ("a", (), 1, 2)])
def test_wrong_arguments_are_refused(given: tuple[object, ...]) -> None:
    for _ in range(2):
        with pytest.raises(TypeError):
            Told(*given)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        Told("a", other=1)  # type: ignore[call-arg]


def test_each_instance_has_a_list_of_its_own() -> None:
    first, second = Gathered("a"), Gathered("a")
    first.found.append("x")
    assert second.found == []
    assert Gathered("a", found=["x"]) == first != second


def test_values_are_compared_by_what_they_hold_and_places_by_identity() -> None:
    assert Told("a") == Told("a") != Told("b")
    assert len({Told("a"), Told("a"), Told("b")}) == 2
    assert Told("a") != ("a", (), 3)
    assert Told("a") != Narrowed("a")
    assert Subject("a") != Subject("a")
    assert len({Subject("a"), Subject("a")}) == 2
    with pytest.raises(TypeError):
        hash(Gathered("a"))


def test_what_is_derived_has_all_fields() -> None:
    narrowed = Narrowed("a", ("b",), reason="c")
    assert (narrowed.length, narrowed.count, narrowed.reason) == (1, 3, "c")
    assert Told("a").words == ()


def test_replace_makes_another() -> None:
    told = Told("a", ("b",))
    assert replace(told, name="c") == Told("c", ("b",))
    assert told.name == "a"


def test_slots_leave_no_room_for_other_names() -> None:
    with pytest.raises(AttributeError):
        Gathered("a").other = 1  # type: ignore[attr-defined]


def test_an_instance_is_told_as_dataclasses_tell_it() -> None:
    assert repr(Told("a")) == "Told(name='a', words=(), count=3)" == repr(dataclasses.make_dataclass("Told", ["name", "words", "count"])("a", (), 3))


def test_nothing_is_compiled_before_there_is_an_instance() -> None:
    @dataclass(frozen=True, slots=True)
    class Unused:
        """Never made."""

        name: str

    before = Unused.__init__
    Unused("a")
    assert Unused.__init__ is not before


def test_what_follows_the_making_is_called() -> None:
    @dataclass(slots=True)
    class Resolved:
        """One that works something out."""

        name: str

        def __post_init__(self) -> None:
            self.name = self.name.lower()

    assert [Resolved("A").name, Resolved("B").name] == ["a", "b"]


def test_no_module_asks_a_field_for_what_is_not_done() -> None:
    """`field(init=False)`, `field(compare=False)` and `kw_only` would be passed over in silence."""
    for path in PACKAGE.rglob("*.py"):
        calls = [node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Call)]
        words = {word.arg for call in calls if isinstance(call.func, ast.Name) and call.func.id == "field" for word in call.keywords}
        assert words <= {"default", "default_factory"}, path

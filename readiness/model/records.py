"""`dataclass` as of dataclasses, made in a fifth of the time: a run imports some 150 of them, and their making was a fifth of a start."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from operator import attrgetter
from typing import TYPE_CHECKING, Any

__all__ = ["dataclass"]

if TYPE_CHECKING:
    from dataclasses import dataclass
else:

    def dataclass(*, frozen: bool = False, slots: bool = False, eq: bool = True) -> Callable[[type], type]:
        """A class decorator that stands in for that of dataclasses; `fields` and `replace` take what it makes.

        Nothing is compiled before the first instance is made, and nothing but `__init__` then. That a frozen instance is not
        changed is what mypy holds: a guard at run time would make each instance dearer.
        """

        def make_record(undecorated_class: type) -> type:
            record = dataclasses.dataclass(init=False, repr=False, eq=False, slots=slots)(undecorated_class)
            record.__init__ = _initializer_compiled_at_first_call(record)
            record.__repr__ = _repr_of_fields
            if eq:
                _compare_by_value(record, is_hashable=frozen)
            return record

        return make_record


def _initializer_compiled_at_first_call(record: Any) -> Callable[..., None]:
    """An `__init__` that puts the compiled one in its place when it is called."""

    def initialize_first(self: Any, *arguments: Any, **arguments_by_name: Any) -> None:
        if record.__init__ is initialize_first:
            record.__init__ = _compiled_initializer(record)
        record.__init__(self, *arguments, **arguments_by_name)

    return initialize_first


def _compiled_initializer(record: Any) -> Callable[..., None]:
    """The function that takes the fields in order, or by name, and sets them."""
    parameters, assignments = ["self"], []
    names: dict[str, Any] = {"_MISSING": dataclasses.MISSING}
    for field in dataclasses.fields(record):
        default, value = "", field.name
        if field.default is not dataclasses.MISSING:
            default, names[f"_default_{field.name}"] = f"=_default_{field.name}", field.default
        elif field.default_factory is not dataclasses.MISSING:
            default, names[f"_make_{field.name}"] = "=_MISSING", field.default_factory
            value = f"_make_{field.name}() if {field.name} is _MISSING else {field.name}"
        parameters.append(field.name + default)
        assignments.append(f" self.{field.name} = {value}")
    if hasattr(record, "__post_init__"):
        assignments.append(" self.__post_init__()")
    exec(f"def __init__({', '.join(parameters)}):\n" + "\n".join(assignments or [" pass"]), names)  # noqa: S102  # names of fields
    initializer: Callable[..., None] = names["__init__"]
    return initializer


def _compare_by_value(record: Any, *, is_hashable: bool) -> None:
    """Give a class an `__eq__` over its fields, and a hash over them where it is frozen; none otherwise."""
    field_names = [one.name for one in dataclasses.fields(record)]
    field_values: Callable[[Any], Any] = attrgetter(*field_names) if field_names else type

    def is_equal(self: object, other: object) -> bool:
        return field_values(self) == field_values(other) if other.__class__ is self.__class__ else NotImplemented

    def value_hash(self: object) -> int:
        return hash(field_values(self))

    record.__eq__ = is_equal
    record.__hash__ = value_hash if is_hashable else None


def _repr_of_fields(self: Any) -> str:
    """An instance as it would be written."""
    fields_text = ", ".join(f"{one.name}={getattr(self, one.name)!r}" for one in dataclasses.fields(self))
    return f"{type(self).__qualname__}({fields_text})"

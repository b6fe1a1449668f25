"""A value that an object works out once: `functools.cached_property` without the lock that it has before Python 3.12."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Generic, TypeVar

__all__ = ["cached_property"]
Value = TypeVar("Value")

if TYPE_CHECKING:
    from functools import cached_property
else:

    class cached_property(Generic[Value]):  # noqa: N801 - it stands in for the one of functools
        """A method whose value is kept in the object's own attributes; two threads may both work it out.

        The one lock for all objects of a class would be inherited as held by a process that is forked while another
        thread works a value out, and that process would wait for it for ever.
        """

        def __init__(self, compute_value: Callable[[Any], Value]) -> None:
            self._work_out = compute_value
            self.__doc__ = compute_value.__doc__

        def __set_name__(self, _: type, name: str) -> None:
            self._name = name

        def __get__(self, instance: Any, _: type | None = None) -> Any:
            if instance is None:
                return self
            value = instance.__dict__[self._name] = self._work_out(instance)
            return value

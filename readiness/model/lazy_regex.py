"""A regular expression of a module, compiled when it is first put to a text: a run imports some 300 and uses a fifth of them."""

from __future__ import annotations

import re
from typing import Any, AnyStr, cast

from readiness.model.memo import cached_property

__all__ = ["LazyRegex", "lazy_regex"]


def lazy_regex(pattern: AnyStr, flags: int = 0) -> re.Pattern[AnyStr]:
    """What stands in for `re.compile` at the top of a module. A wrong pattern raises `re.error` where it is first used."""
    return cast("re.Pattern[AnyStr]", LazyRegex(pattern, flags))


class _CompiledAttribute:
    """A method of the compiled expression, or its flags; kept in the object's own attributes from the first use on."""

    def __set_name__(self, _: type, name: str) -> None:
        self._name = name

    def __get__(self, instance: LazyRegex, _: type | None = None) -> Any:
        value = instance.__dict__[self._name] = getattr(instance.compiled, self._name)
        return value


class LazyRegex:
    """A `re.Pattern` to whoever calls its methods.

    `re.search` and the like take none of these for a pattern, and the `re` of a match is the compiled one.
    """

    match, fullmatch, search = _CompiledAttribute(), _CompiledAttribute(), _CompiledAttribute()
    finditer, findall, split, sub = _CompiledAttribute(), _CompiledAttribute(), _CompiledAttribute(), _CompiledAttribute()
    flags = _CompiledAttribute()

    def __init__(self, pattern: Any, flags: int) -> None:
        self.pattern = pattern
        self._given_flags = flags

    @cached_property
    def compiled(self) -> re.Pattern[Any]:
        """The expression as Python compiles it."""
        return re.compile(self.pattern, self._given_flags)

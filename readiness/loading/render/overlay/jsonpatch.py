"""JSON patches (RFC 6902): https://kubectl.docs.kubernetes.io/references/kustomize/kustomization/patchesjson6902/"""

from __future__ import annotations

from readiness.loading.render.overlay.placed import (
    BrokenError,
    Counter,
    Place,
    Value,
    copied,
    plain,
)


def apply_operations(
    target: Value, operations: Value, counter: Counter, *, keep: bool = False
) -> None:
    """Carry out the operations of a patch, in place. Raises BrokenError for one that cannot be.

    With `keep` the keys of mappings are left that an operation would take away.
    """
    for operation in operations.items:
        _Operation(target, operation, counter, keep).apply()


def is_operations(value: Value) -> bool:
    """Whether a patch is a list of operations."""
    return bool(value.items) and all("op" in one.map for one in value.items)


class _Operation:
    """One operation on one object."""

    def __init__(self, target: Value, spec: Value, counter: Counter, keep: bool) -> None:
        self.target = target
        self.spec = spec
        self.counter = counter
        self.keep = keep

    def apply(self) -> None:
        op = self.spec.under("op")
        if op == "add":
            self.put(self.value(), insert=True)
        elif op == "replace":
            self.put(self.value(), insert=False)
        elif op == "remove":
            self.remove(self.steps("path"))
        elif op == "copy":
            self.put(copied(self.find(self.steps("from")), self.counter), insert=True)
        elif op == "move":
            value = self.find(self.steps("from"))
            self.remove(self.steps("from"))
            self.put(value, insert=True)
        elif op == "test":
            if plain(self.find(self.steps("path"))) != plain(self.value()):
                raise self.failed("the value is another one")
        else:
            raise self.failed(f"there is no operation {op[:40]!r}")

    def failed(self, why: str) -> BrokenError:
        path = self.spec.under("path")[:200]
        return BrokenError(f"the operation on {path} cannot be carried out: {why}", self.spec.place)

    def value(self) -> Value:
        found = self.spec.map.get("value")
        if found is None:
            return Value(None, self.spec.place, self.spec.place)
        return copied(found, self.counter)

    def steps(self, key: str) -> list[str]:
        """The steps of a JSON pointer."""
        text = self.spec.under(key)
        if text and not text.startswith("/"):
            raise self.failed("a path begins with `/`")
        return [step.replace("~1", "/").replace("~0", "~") for step in text.split("/")[1:]]

    def find(self, steps: list[str]) -> Value:
        value = self.target
        for step in steps:
            found = self.step(value, step)
            if found is None:
                raise self.failed(f"there is no {step[:80]!r}")
            value = found
        return value

    def step(self, value: Value, step: str) -> Value | None:
        if isinstance(value.data, dict):
            return value.data.get(step)
        number = int(step) if step.isdecimal() and len(step) < 7 else -1
        return value.items[number] if 0 <= number < len(value.items) else None

    def put(self, value: Value, *, insert: bool) -> None:
        """Set what stands under the path; in a list, before what stands there where `insert` is set."""
        steps = self.steps("path")
        if not steps:
            self.target.data, self.target.place = value.data, value.place
            return
        owner, last = self.find(steps[:-1]), steps[-1]
        value.key = self.place()
        if isinstance(owner.data, dict):
            owner.data[last] = value  # builders let `replace` add a key
        elif isinstance(owner.data, list) and last == "-" and insert:
            owner.data.append(value)
        elif isinstance(owner.data, list) and last.isdecimal() and len(last) < 7:
            number = int(last)
            if number > len(owner.data) - (0 if insert else 1):
                raise self.failed(f"the list has {len(owner.data)} entries")
            owner.data[number : number if insert else number + 1] = [value]
        else:
            raise self.failed(f"there is no {last[:80]!r}")

    def place(self) -> Place:
        """Where the operation says its path."""
        found = self.spec.map.get("path")
        return found.place if found else self.spec.place

    def remove(self, steps: list[str]) -> None:
        if not steps:
            raise self.failed("an object cannot be taken away")
        owner, last = self.find(steps[:-1]), steps[-1]
        gone = self.step(owner, last)
        if gone is None:
            raise self.failed(f"there is no {last[:80]!r}")
        if isinstance(owner.data, dict):
            if not self.keep:
                del owner.data[last]
        else:
            owner.data = [one for one in owner.items if one is not gone]
        owner.removed.append(self.spec.place)

"""JSON patches (RFC 6902): https://kubectl.docs.kubernetes.io/references/kustomize/kustomization/patchesjson6902/"""

from __future__ import annotations

from readiness.loading.render.overlay.placed import (
    InvalidKustomizationError,
    PlacedValue,
    WorkCounter,
    WrittenPlace,
    copy_value,
    to_plain_data,
)


def apply_operations(
    target: PlacedValue,
    operations: PlacedValue,
    counter: WorkCounter,
    *,
    keep_removed_keys: bool = False,
) -> None:
    """Carry out the operations of a patch, in place. Raises InvalidKustomizationError for one that cannot be.

    With `keep_removed_keys` the keys of mappings are left that an operation would take away.
    """
    for operation in operations.list_entries:
        _PatchOperation(target, operation, counter, keep_removed_keys).apply_operation()


def is_operations(value: PlacedValue) -> bool:
    """Whether a patch is a list of operations."""
    return bool(value.list_entries) and all("op" in one.map for one in value.list_entries)


class _PatchOperation:
    """One operation on one object."""

    def __init__(self, target: PlacedValue, spec: PlacedValue, counter: WorkCounter, keep_removed_keys: bool) -> None:
        self.target = target
        self.spec = spec
        self.counter = counter
        self.keep = keep_removed_keys

    def apply_operation(self) -> None:
        op = self.spec.text_at_path("op")
        if op == "add":
            self.put_at_path(self.operation_value(), insert=True)
        elif op == "replace":
            self.put_at_path(self.operation_value(), insert=False)
        elif op == "remove":
            self.remove_at(self.pointer_segments("path"))
        elif op == "copy":
            self.put_at_path(
                copy_value(self.find_value(self.pointer_segments("from")), self.counter),
                insert=True,
            )
        elif op == "move":
            value = self.find_value(self.pointer_segments("from"))
            self.remove_at(self.pointer_segments("from"))
            self.put_at_path(value, insert=True)
        elif op == "test":
            if to_plain_data(self.find_value(self.pointer_segments("path"))) != to_plain_data(self.operation_value()):
                raise self.make_error("the value is another one")
        else:
            raise self.make_error(f"there is no operation {op[:40]!r}")

    def make_error(self, why: str) -> InvalidKustomizationError:
        path = self.spec.text_at_path("path")[:200]
        return InvalidKustomizationError(f"the operation on {path} cannot be carried out: {why}", self.spec.place)

    def operation_value(self) -> PlacedValue:
        found = self.spec.map.get("value")
        if found is None:
            return PlacedValue(None, self.spec.place, self.spec.place)
        return copy_value(found, self.counter)

    def pointer_segments(self, key: str) -> list[str]:
        """The steps of a JSON pointer."""
        text = self.spec.text_at_path(key)
        if text and not text.startswith("/"):
            raise self.make_error("a path begins with `/`")
        return [step.replace("~1", "/").replace("~0", "~") for step in text.split("/")[1:]]

    def find_value(self, segments: list[str]) -> PlacedValue:
        value = self.target
        for step in segments:
            found = self.child_at_segment(value, step)
            if found is None:
                raise self.make_error(f"there is no {step[:80]!r}")
            value = found
        return value

    def child_at_segment(self, value: PlacedValue, segment: str) -> PlacedValue | None:
        if isinstance(value.data, dict):
            return value.data.get(segment)
        number = int(segment) if segment.isdecimal() and len(segment) < 7 else -1
        return value.list_entries[number] if 0 <= number < len(value.list_entries) else None

    def put_at_path(self, value: PlacedValue, *, insert: bool) -> None:
        """Set what stands under the path; in a list, before what stands there where `insert` is set."""
        steps = self.pointer_segments("path")
        if not steps:
            self.target.data, self.target.place = value.data, value.place
            return
        owner, last = self.find_value(steps[:-1]), steps[-1]
        value.key_place = self.path_place()
        if isinstance(owner.data, dict):
            owner.data[last] = value  # builders let `replace` add a key
        elif isinstance(owner.data, list) and last == "-" and insert:
            owner.data.append(value)
        elif isinstance(owner.data, list) and last.isdecimal() and len(last) < 7:
            number = int(last)
            if number > len(owner.data) - (0 if insert else 1):
                raise self.make_error(f"the list has {len(owner.data)} entries")
            owner.data[number : number if insert else number + 1] = [value]
        else:
            raise self.make_error(f"there is no {last[:80]!r}")

    def path_place(self) -> WrittenPlace:
        """Where the operation says its path."""
        found = self.spec.map.get("path")
        return found.place if found else self.spec.place

    def remove_at(self, segments: list[str]) -> None:
        if not segments:
            raise self.make_error("an object cannot be taken away")
        owner, last = self.find_value(segments[:-1]), segments[-1]
        gone = self.child_at_segment(owner, last)
        if gone is None:
            raise self.make_error(f"there is no {last[:80]!r}")
        if isinstance(owner.data, dict):
            if not self.keep:
                del owner.data[last]
        else:
            owner.data = [one for one in owner.list_entries if one is not gone]
        owner.removal_places.append(self.spec.place)

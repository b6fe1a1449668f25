"""JSON patches (RFC 6902): https://kubectl.docs.kubernetes.io/references/kustomize/kustomization/patchesjson6902/"""

from __future__ import annotations

from readiness.loading.render.overlay.placed import (
    InvalidKustomizationError,
    PlacedValue,
    WrittenPlace,
    copy_value,
    to_plain_data,
)
from readiness.loading.render.work import WorkCounter

_MOVED_ENTRIES_PER_VISIT = 64  # of a list that makes room for another entry, or closes up


def apply_operations(
    target_object: PlacedValue,
    operations: PlacedValue,
    counter: WorkCounter,
    *,
    keep_removed_keys: bool = False,
) -> None:
    """Carry out the operations of a patch, in place. Raises InvalidKustomizationError for one that cannot be.

    With `keep_removed_keys` the keys of mappings are left that an operation would take away.
    """
    for operation in operations.list_entries:
        _PatchOperation(target_object, operation, counter, keep_removed_keys).apply_operation()


def is_operation_list(patch: PlacedValue) -> bool:
    """Whether a patch is a list of operations."""
    return bool(patch.list_entries) and all("op" in one.map for one in patch.list_entries)


def unescaped_pointer_segments(pointer: str) -> list[str]:
    """The steps of a JSON pointer that begins with `/`; none of the empty one."""
    return [step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:]]


class _PatchOperation:
    """One operation on one object."""

    def __init__(self, target: PlacedValue, operation: PlacedValue, counter: WorkCounter, keep_removed_keys: bool) -> None:
        self.target = target
        self.spec = operation
        self.counter = counter
        self.keep = keep_removed_keys

    def apply_operation(self) -> None:
        operation_name = self.spec.text_at_path("op")
        if operation_name == "add":
            self.put_at_path(self.operation_value(), may_insert=True)
        elif operation_name == "replace":
            self.put_at_path(self.operation_value(), may_insert=False)
        elif operation_name == "remove":
            self.remove_at(self.pointer_segments("path"))
        elif operation_name == "copy":
            self.put_at_path(
                copy_value(self.find_value(self.pointer_segments("from")), self.counter),
                may_insert=True,
            )
        elif operation_name == "move":
            moved_value = self.find_value(self.pointer_segments("from"))
            if self.keep:  # where it stays it may come to stand in itself
                moved_value = copy_value(moved_value, self.counter)
            self.remove_at(self.pointer_segments("from"))
            self.put_at_path(moved_value, may_insert=True)
        elif operation_name == "test":
            found_value = self.find_value(self.pointer_segments("path"))
            if to_plain_data(found_value, self.counter) != to_plain_data(self.operation_value(), self.counter):
                raise self.make_error("the value is another one")
        else:
            raise self.make_error(f"there is no operation {operation_name[:40]!r}")

    def make_error(self, reason: str) -> InvalidKustomizationError:
        path = self.spec.text_at_path("path")[:200]
        return InvalidKustomizationError(f"the operation on {path} cannot be carried out: {reason}", self.spec.place)

    def operation_value(self) -> PlacedValue:
        value = self.spec.map.get("value")
        if value is None:
            return PlacedValue(None, self.spec.place, self.spec.place)
        return copy_value(value, self.counter)

    def pointer_segments(self, pointer_key: str) -> list[str]:
        """The steps of a JSON pointer."""
        pointer = self.spec.text_at_path(pointer_key)
        if pointer and not pointer.startswith("/"):
            raise self.make_error("a path begins with `/`")
        return unescaped_pointer_segments(pointer)

    def find_value(self, segments: list[str]) -> PlacedValue:
        found_value = self.target
        for segment in segments:
            child = self.child_at_segment(found_value, segment)
            if child is None:
                raise self.make_error(f"there is no {segment[:80]!r}")
            found_value = child
        return found_value

    def child_at_segment(self, container: PlacedValue, segment: str) -> PlacedValue | None:
        if isinstance(container.data, dict):
            return container.data.get(segment)
        list_index = int(segment) if segment.isdecimal() and len(segment) < 7 else -1
        return container.list_entries[list_index] if 0 <= list_index < len(container.list_entries) else None

    def put_at_path(self, new_value: PlacedValue, *, may_insert: bool) -> None:
        """Set what stands under the path; in a list, before what stands there where `may_insert` is set."""
        segments = self.pointer_segments("path")
        if not segments:
            self.target.data, self.target.place = new_value.data, new_value.place
            return
        container, last_segment = self.find_value(segments[:-1]), segments[-1]
        new_value.key_place = self.path_place()
        if isinstance(container.data, dict):
            container.data[last_segment] = new_value  # builders let `replace` add a key
        elif isinstance(container.data, list) and last_segment == "-" and may_insert:
            container.data.append(new_value)
        elif isinstance(container.data, list) and last_segment.isdecimal() and len(last_segment) < 7:
            list_index = int(last_segment)
            if list_index > len(container.data) - (0 if may_insert else 1):
                raise self.make_error(f"the list has {len(container.data)} entries")
            self.counter.count_visits(len(container.data) // _MOVED_ENTRIES_PER_VISIT)
            container.data[list_index : list_index if may_insert else list_index + 1] = [new_value]
        else:
            raise self.make_error(f"there is no {last_segment[:80]!r}")

    def path_place(self) -> WrittenPlace:
        """Where the operation says its path."""
        path_value = self.spec.map.get("path")
        return path_value.place if path_value else self.spec.place

    def remove_at(self, segments: list[str]) -> None:
        if not segments:
            raise self.make_error("an object cannot be taken away")
        container, last_segment = self.find_value(segments[:-1]), segments[-1]
        removed_value = self.child_at_segment(container, last_segment)
        if removed_value is None:
            raise self.make_error(f"there is no {last_segment[:80]!r}")
        if isinstance(container.data, dict):
            if not self.keep:
                del container.data[last_segment]
        else:
            self.counter.count_visits(len(container.list_entries) // _MOVED_ENTRIES_PER_VISIT)
            del container.list_entries[int(last_segment)]
        container.removal_places.append(self.spec.place)

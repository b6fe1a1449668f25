"""What a rendering read besides the texts of the walk: enough to say later whether it would read the same again."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from readiness import files
from readiness.loading.programs_read import MAX_PROGRAM_BYTES
from readiness.loading.render.archive import MAX_BYTES, MAX_FILES
from readiness.loading.render.chart_files import GIT_FOLDER
from readiness.loading.render.made import RenderInput
from readiness.loading.render.tree import ConfinedTree

INPUT_CHART, INPUT_TREE, INPUT_PROGRAM = "chart", "tree", "program"


def chart_input(base: Path, folder: str) -> RenderInput:
    """A chart: all files in its folder, whether the walk saw them or not."""
    return RenderInput(INPUT_CHART, folder, "", chart_hash(base / folder))


def tree_inputs(tree: ConfinedTree) -> Iterator[RenderInput]:
    """Every path of a tree that was looked at."""
    root = tree.report_path("")
    for path, state in sorted(tree.state_by_path.items()):
        yield RenderInput(INPUT_TREE, root, path, state)


def program_inputs(text_by_path: Mapping[str, str]) -> Iterator[RenderInput]:
    """Every program that was read for what it says of other files."""
    for path, text in sorted(text_by_path.items()):
        yield RenderInput(INPUT_PROGRAM, "", path, hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest())


def is_unchanged(inputs: Iterable[RenderInput], base: Path) -> bool:
    """Whether all that was looked at is as it was."""
    trees: dict[str, ConfinedTree] = {}
    for item in inputs:
        if item.kind == INPUT_PROGRAM:
            now = _program_hash(base / item.path)
        elif item.kind == INPUT_CHART:
            now = chart_hash(base / item.root)
        else:
            root = Path(os.path.realpath(base), item.root)
            tree = trees.setdefault(item.root, ConfinedTree(root, base))
            now = tree.path_state(item.path)
        if now != item.hash_or_kind:
            return False
    return True


def _program_hash(path: Path) -> str:
    """The hash of a program's text, as `program_inputs` gives it; of none where it can no longer be read."""
    try:
        data = files.read_regular_file(path, MAX_PROGRAM_BYTES)
    except OSError:
        data = b""
    return hashlib.sha256(data.decode("utf-8", "replace").encode("utf-8", "surrogatepass")).hexdigest()


def chart_hash(folder: Path) -> str:
    """The hash of the names and contents of a chart's files, without links; a word for one over the limits."""
    digest = hashlib.sha256()
    count = size = 0
    for parent, names, here in os.walk(folder, followlinks=False):
        names[:] = sorted(name for name in names if name != GIT_FOLDER)
        for name in sorted(here):
            path = Path(parent, name)
            try:
                if path.is_symlink() or not path.is_file():
                    continue
                count, size = count + 1, size + path.stat().st_size
                if count > MAX_FILES or size > MAX_BYTES:
                    return "over the limits"
                data = path.read_bytes()
            except OSError as error:
                data = str(error.errno).encode()
            path_in_chart = os.fsencode(path.relative_to(folder))
            digest.update(b"%d %d " % (len(path_in_chart), len(data)) + path_in_chart + data)
    return digest.hexdigest()

"""What a rendering read besides the texts of the walk: enough to say later whether it would read the same again."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from readiness.loading.render.archive import BYTES, FILES
from readiness.loading.render.chart_files import GIT
from readiness.loading.render.made import Input
from readiness.loading.render.tree import Tree

CHART, TREE = "chart", "tree"


def chart_input(base: Path, folder: str) -> Input:
    """A chart: all files in its folder, whether the walk saw them or not."""
    return Input(CHART, folder, "", chart_state(base / folder))


def tree_inputs(tree: Tree) -> Iterator[Input]:
    """Every path of a tree that was looked at."""
    root = tree.shown("")
    for path, state in sorted(tree.seen.items()):
        yield Input(TREE, root, path, state)


def is_unchanged(inputs: Iterable[Input], base: Path) -> bool:
    """Whether all that was looked at is as it was."""
    trees: dict[str, Tree] = {}
    for item in inputs:
        if item.kind == CHART:
            now = chart_state(base / item.root)
        else:
            root = Path(os.path.realpath(base), item.root)
            tree = trees.setdefault(item.root, Tree(root, base))
            now = tree.state(item.path)
        if now != item.state:
            return False
    return True


def chart_state(folder: Path) -> str:
    """The hash of the names and contents of a chart's files, without links; a word for one over the limits."""
    digest = hashlib.sha256()
    count = size = 0
    for parent, names, files in os.walk(folder, followlinks=False):
        names[:] = sorted(name for name in names if name != GIT)
        for name in sorted(files):
            path = Path(parent, name)
            try:
                if path.is_symlink() or not path.is_file():
                    continue
                count, size = count + 1, size + path.stat().st_size
                if count > FILES or size > BYTES:
                    return "over the limits"
                data = path.read_bytes()
            except OSError as error:
                data = str(error.errno).encode()
            path_in_chart = os.fsencode(path.relative_to(folder))
            digest.update(b"%d %d " % (len(path_in_chart), len(data)) + path_in_chart + data)
    return digest.hexdigest()

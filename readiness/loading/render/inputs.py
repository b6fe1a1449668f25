"""What a rendering read besides the texts of the walk: enough to say later whether it would read the same again."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from readiness import files, tree_paths
from readiness.loading.programs_read import MAX_PROGRAM_BYTES
from readiness.loading.render.archive import MAX_BYTES_PER_CHART, MAX_FILES_PER_CHART
from readiness.loading.render.made import LimitError, RenderInput
from readiness.loading.render.tree import ConfinedTree

INPUT_KIND_CHART, INPUT_KIND_TREE, INPUT_KIND_PROGRAM, INPUT_KIND_NAMED_PATH = "chart", "tree", "program", "path"


def chart_input(working_directory: Path, chart_folder: str) -> RenderInput:
    """A chart: all files in its folder, whether the walk saw them or not."""
    return RenderInput(INPUT_KIND_CHART, chart_folder, "", chart_hash(working_directory / chart_folder))


def tree_inputs(tree: ConfinedTree) -> Iterator[RenderInput]:
    """Every path of a tree that was looked at."""
    tree_root_path = tree.report_path("")
    for path, path_state in sorted(tree.state_by_path.items()):
        yield RenderInput(INPUT_KIND_TREE, tree_root_path, path, path_state)


def program_inputs(text_by_path: Mapping[str, str]) -> Iterator[RenderInput]:
    """Every program that was read for what it says of other files."""
    for path, text in sorted(text_by_path.items()):
        yield RenderInput(INPUT_KIND_PROGRAM, "", path, hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest())


def named_path_input(root: Path, path_in_tree: str, working_directory: Path) -> RenderInput:
    """A path of a tree that a file names, and why it was not read; nothing where it may be."""
    root_path = os.path.relpath(root, os.path.realpath(working_directory)).replace(os.sep, "/")
    return RenderInput(INPUT_KIND_NAMED_PATH, root_path, path_in_tree, _refusal_text(root, path_in_tree))


def _refusal_text(root: Path, path_in_tree: str) -> str:
    return ": ".join(tree_paths.refused_path_and_reason(root, path_in_tree) or ())


def are_inputs_unchanged(render_inputs: Iterable[RenderInput], working_directory: Path) -> bool:
    """Whether all that was looked at is as it was."""
    tree_by_root: dict[str, ConfinedTree] = {}
    for render_input in render_inputs:
        if render_input.kind == INPUT_KIND_PROGRAM:
            current_hash_or_state = _program_hash(working_directory / render_input.path)
        elif render_input.kind == INPUT_KIND_CHART:
            current_hash_or_state = chart_hash(working_directory / render_input.root)
        elif render_input.kind == INPUT_KIND_NAMED_PATH:
            current_hash_or_state = _refusal_text(Path(os.path.realpath(working_directory / render_input.root)), render_input.path)
        else:
            tree_root = Path(os.path.realpath(working_directory), render_input.root)
            tree = tree_by_root.setdefault(render_input.root, ConfinedTree(tree_root, working_directory))
            try:
                current_hash_or_state = tree.path_state(render_input.path)
            except LimitError:  # each of several charts of one tree may look for as many
                return False
        if current_hash_or_state != render_input.hash_or_kind:
            return False
    return True


def _program_hash(program_path: Path) -> str:
    """The hash of a program's text, as `program_inputs` gives it; of none where it can no longer be read."""
    try:
        program_bytes = files.read_regular_file(program_path, MAX_PROGRAM_BYTES)
    except OSError:
        program_bytes = b""
    return hashlib.sha256(program_bytes.decode("utf-8", "replace").encode("utf-8", "surrogatepass")).hexdigest()


def chart_hash(chart_folder: Path) -> str:
    """The hash of the names and contents of a chart's files, of links where they lead; a word for one over the limits."""
    digest = hashlib.sha256()
    file_count = total_bytes = 0
    for parent_folder, subfolder_names, file_names in os.walk(chart_folder, followlinks=False):
        linked_folder_names = [entry_name for entry_name in subfolder_names if Path(parent_folder, entry_name).is_symlink()]
        subfolder_names[:] = sorted(entry_name for entry_name in subfolder_names if not tree_paths.is_version_control_name(entry_name))
        for entry_name in sorted([*file_names, *linked_folder_names]):
            file_path = Path(parent_folder, entry_name)
            try:
                if file_path.is_symlink() or not file_path.is_file():
                    entry_state = file_path.readlink() if file_path.is_symlink() else files.special_file_type(file_path.lstat().st_mode)
                    digest.update(os.fsencode(f"{file_path.relative_to(chart_folder)}\0{entry_state}\0"))
                    continue
                file_count, total_bytes = file_count + 1, total_bytes + file_path.stat().st_size
                if file_count > MAX_FILES_PER_CHART or total_bytes > MAX_BYTES_PER_CHART:
                    return "over the limits"
                content = files.read_regular_file(file_path, MAX_BYTES_PER_CHART)
            except OSError as error:
                content = str(error.errno).encode()
            path_in_chart = os.fsencode(file_path.relative_to(chart_folder))
            digest.update(b"%d %d " % (len(path_in_chart), len(content)) + path_in_chart + content)
    return digest.hexdigest()

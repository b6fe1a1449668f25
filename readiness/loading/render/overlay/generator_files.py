"""The files that generators of a kustomization name."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from readiness.loading.render.gather import OverlayRefusedError, refusal_of_entry, resolve_file
from readiness.loading.render.made import RenderError
from readiness.loading.render.overlay.placed import NeedsOtherBuilderError, PlacedValue
from readiness.model import Source

if TYPE_CHECKING:
    from readiness.loading.render.overlay.builder import OverlayBuilder


class GeneratorFileReader:
    """Reads the files that generators name; what is not here is left out and noted."""

    def __init__(self, builder: OverlayBuilder, folder: str) -> None:
        self.builder = builder
        self.folder = folder
        self.has_left_out_file = False

    def __call__(self, generator_entry: PlacedValue, file_name: str) -> tuple[Source | None, bytes] | None:
        """A file's text, where it is text, and its bytes; None for one that is left out."""
        confined_tree, error = self.builder.tree, self.error_of_absent_file(generator_entry, file_name)
        if error is not None:
            self.builder.left_out.add_part(error, may_hold_objects=False)
            self.has_left_out_file = True
            return None
        file_path, place_text = posixpath.normpath(posixpath.join(self.folder, file_name)), generator_entry.place.source.path
        real_file_path = resolve_file(confined_tree, file_path, place_text) or ""
        try:
            return self.builder.source_at(real_file_path), confined_tree.content_by_path[real_file_path]
        except RenderError:
            return None, confined_tree.content_by_path[real_file_path]

    def error_of_absent_file(self, generator_entry: PlacedValue, file_name: str) -> RenderError | None:
        """Why a file is left out: it stands elsewhere, or it is not there; None where it is there."""
        refusal = refusal_of_entry(self.builder.tree, self.folder, file_name, generator_entry.place.source.path)
        file_path = posixpath.normpath(posixpath.join(self.folder, file_name))
        try:
            if refusal is not None or resolve_file(self.builder.tree, file_path, generator_entry.place.source.path) is not None:
                return refusal
        except OverlayRefusedError as refusal_of_path:
            return refusal_of_path
        return NeedsOtherBuilderError(
            f"a generator takes in {file_name[:200]!r}, which is not there; make that file first where it is kept out of the tree on purpose",
            generator_entry.place,
            posixpath.normpath(posixpath.join(posixpath.dirname(generator_entry.place.source.path), file_name)),
        )

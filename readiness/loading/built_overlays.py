"""One overlay built: here, else by a program; without what stands elsewhere, and what is told of that."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import field
from typing import TYPE_CHECKING, NamedTuple

from readiness.loading.parsed import ParsedTexts
from readiness.loading.render.made import GeneratedSource, LimitError, RenderError
from readiness.model import ParseError, Source
from readiness.model.records import dataclass
from readiness.programs.budget import BudgetExceededError, RunBudget

if TYPE_CHECKING:
    from readiness.loading.render.gather import OverlayInputs
    from readiness.loading.render.kustomize import Kustomization
    from readiness.loading.render.overlay.builder import OverlayBuilder
    from readiness.loading.render.work import OverlayWorkOfRun


@dataclass(slots=True)
class BuiltOverlay:
    """What an overlay gives: its text, the documents of it that do not parse, and what a reader is to know, with the sort of that reason.

    `partial_source` is what is known of objects that stand elsewhere. `errors` say without what it is built, `patch_count_without_target`
    counts the patches that are for nothing that is here, `lacked_namespaces` are those in which further objects may be, the empty one where
    nobody can tell which. `read_paths` are the files that were read, None where all were.
    """

    source: GeneratedSource
    unparsed_documents: Sequence[tuple[str, ParseError, Source]] = ()
    reason: str = ""
    cause: str = ""
    partial_source: GeneratedSource | None = None
    errors: Sequence[RenderError] = ()
    patch_count_without_target: int = 0
    lacked_namespaces: frozenset[str] = frozenset()
    read_paths: set[str] | None = None

    @property
    def sources(self) -> tuple[GeneratedSource, ...]:
        """All texts of it."""
        return (self.source,) if self.partial_source is None else (self.source, self.partial_source)


class OverlayPart(NamedTuple):
    """A kustomization that is built, the paths of all files that it is made from, and of those that are judged by what it gives."""

    root: Kustomization
    built: BuiltOverlay
    files: set[str]
    judged_paths: set[str]


@dataclass(slots=True)
class OverlaySources:
    """All overlays of a run: the texts that there are, those that overlays took in besides, whether a .gitignore names a path, what work is left."""

    walked_sources: dict[str, Source]
    documents_by_source: ParsedTexts
    budget: RunBudget
    may_be_ignored: Callable[[str], bool]
    work_of_run: OverlayWorkOfRun
    extra_sources: dict[str, Source] = field(default_factory=dict)

    @property
    def every_source(self) -> Mapping[str, Source]:
        """All of these texts by their paths."""
        return self.walked_sources | self.extra_sources


def resource_and_patch_paths(kustomizations: Iterable[Kustomization]) -> set[str]:
    """The files and the patches that kustomizations name."""
    return {path for one in kustomizations for path in (*one.resource_files, *one.patch_files)}


def build_kustomization(
    kustomization: Kustomization,
    reached_kustomizations: Sequence[Kustomization],
    inputs_or_error: OverlayInputs | RenderError,
    overlay_sources: OverlaySources,
) -> OverlayPart:
    """What one kustomization gives. Raises RenderError, also where its files could not be gathered."""
    if isinstance(inputs_or_error, RenderError):
        raise inputs_or_error
    built_overlay = _OverlayBuild(kustomization, reached_kustomizations, inputs_or_error, overlay_sources).build()
    try:
        overlay_sources.budget.add_rendered_bytes(sum(len(one.text) for one in built_overlay.sources))
    except BudgetExceededError as error:
        raise LimitError(str(error)) from None
    judged_paths = resource_and_patch_paths(reached_kustomizations)
    paths_made_from = judged_paths | {inputs_or_error.tree.report_path(name) for name in inputs_or_error.files}
    if built_overlay.read_paths is not None:
        judged_paths &= built_overlay.read_paths
    return OverlayPart(kustomization, built_overlay, paths_made_from, judged_paths)


class _OverlayBuild(NamedTuple):
    """One overlay to build, from what was gathered of it."""

    kustomization: Kustomization
    reachable_kustomizations: Sequence[Kustomization]
    gathered_inputs: OverlayInputs
    overlay_sources: OverlaySources

    def build(self) -> BuiltOverlay:
        """What the overlay gives, built here; by a program where there is one that can do what is not done here, and nothing is refused.

        What nobody can do is left out. Raises RenderError with the reason of this builder, which names a place, rather than with that of the
        program.
        """
        from readiness.loading.render import kustomize
        from readiness.loading.render.gather import OverlayRefusedError
        from readiness.loading.render.overlay.placed import InvalidKustomizationError, NeedsOtherBuilderError, UnsupportedFeatureError

        try:
            return self.build_here()
        except (NeedsOtherBuilderError, OverlayRefusedError):
            raise
        except RenderError as error:
            builder_error = error
        is_unsupported = isinstance(builder_error, UnsupportedFeatureError)
        if self.gathered_inputs.refusals:
            if isinstance(builder_error, InvalidKustomizationError | LimitError):
                raise builder_error
            return self.build_here(unknown_keys_error=builder_error)
        if not kustomize.kustomize_build_command():
            if not is_unsupported:
                raise builder_error
            return self.build_here_or_raise(UnsupportedFeatureError(f"{builder_error}; {kustomize.REASON_NO_BUILDER}"))
        try:
            return self.build_by_program()
        except LimitError:
            raise  # what a program builds holds, whatever is said here, and nobody knows
        except RenderError as program_error:
            if not is_unsupported:
                raise builder_error from None
            return self.build_here_or_raise(program_error)

    def build_here(self, *, unknown_keys_error: RenderError | None = None) -> BuiltOverlay:
        """What the overlay gives, built here; with `unknown_keys_error` without what is not known here, of which that is told."""
        from readiness.loading.render.overlay.builder import BuildOptions, build_source

        overlay_sources = self.overlay_sources
        source, builder = build_source(
            self.gathered_inputs,
            self.kustomization.source,
            self.kustomization.folder or ".",
            overlay_sources.every_source,
            overlay_sources.documents_by_source,
            BuildOptions(unknown_keys_error is not None, overlay_sources.may_be_ignored, overlay_sources.work_of_run),
        )
        overlay_sources.extra_sources |= builder.more
        return _overlay_of_builder(source, builder, self.gathered_inputs, unknown_keys_error)

    def build_here_or_raise(self, unknown_keys_error: RenderError) -> BuiltOverlay:
        """What the overlay gives without what is not known here. Raises the error that is told of that where it gives nothing so."""
        try:
            return self.build_here(unknown_keys_error=unknown_keys_error)
        except RenderError:
            raise unknown_keys_error from None

    def build_by_program(self) -> BuiltOverlay:
        """What kustomize or kubectl makes of the overlay. Raises RenderError."""
        from readiness.loading.render import kustomize
        from readiness.loading.render.process import REASON_UNCONFINED

        overlay_sources = self.overlay_sources
        try:
            with overlay_sources.budget.metered():
                built_source = kustomize.build_overlay(
                    self.kustomization,
                    list(self.reachable_kustomizations),
                    overlay_sources.every_source,
                    self.gathered_inputs,
                    overlay_sources.documents_by_source,
                )
        except BudgetExceededError as budget_error:
            raise LimitError(str(budget_error)) from None
        return BuiltOverlay(built_source, built_source.lost, "" if built_source.confined else REASON_UNCONFINED)


def _overlay_of_builder(
    source: GeneratedSource, builder: OverlayBuilder, gathered_inputs: OverlayInputs, unknown_keys_error: RenderError | None
) -> BuiltOverlay:
    """What was built here. `unknown_keys_error` is told of the keys that were left out, in place of what the builder says of each."""
    from readiness.loading.render.overlay.placed import UnsupportedFeatureError

    left_out = builder.left_out
    if not left_out.parts and not gathered_inputs.refusals:
        return BuiltOverlay(source)
    is_refused = bool(gathered_inputs.refusals)  # where no program was asked, nobody knows whether one could
    told_error = UnsupportedFeatureError(str(unknown_keys_error)) if unknown_keys_error and is_refused else unknown_keys_error
    errors = {str(one): one for one in [told_error] if one}
    errors |= {str(one.error): one.error for one in left_out.parts if not isinstance(one.error, UnsupportedFeatureError)}
    errors |= {str(one): one for one in gathered_inputs.refusals}
    return BuiltOverlay(
        source,
        partial_source=builder.partial_source,
        errors=tuple(errors.values()),
        patch_count_without_target=left_out.patch_count,
        lacked_namespaces=left_out.namespaces,
        read_paths=builder.read_paths,
    )

"""What an overlay takes in, worked out from the disk before anything is built: all of it local, in the tree, and in bounds.

The builder then sees a copy of exactly these files, so what is not understood here is not there for it.
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import field

from readiness.files import decode_text
from readiness.loading.render import KUSTOMIZATION_FILENAMES
from readiness.loading.render.made import LimitError, RenderError
from readiness.loading.render.tree import MAX_FILE_BYTES, MAX_TREE_BYTES, ConfinedTree, TooLargeError
from readiness.loading.render.work import OverlayWorkOfRun
from readiness.model.lazy_regex import lazy_regex
from readiness.model.records import dataclass
from readiness.syntax.yaml_whole import UnresolvedYamlError, load_unresolved, strings_by_outermost_key
from readiness.tree_paths import REASON_LINK_OF_TOO_MANY_STEPS, REASON_TOO_MANY_STEPS, OutsideError

MAX_FILES_PER_OVERLAY, MAX_BYTES_PER_OVERLAY = 2000, 50 << 20
MAX_KUSTOMIZATION_BUILDS = 2000  # of kustomizations: one that is taken in twice is built twice, with all that it takes in
MAX_PATH_CHARACTERS = 1024  # characters

# Keys of a kustomization under which no file is named; all others are looked through, those that nobody knows too.
_KEYS_WITHOUT_PATHS = frozenset(
    """
    apiversion kind metadata nameprefix namesuffix namespace commonlabels labels commonannotations images imagetags replicas
    vars sortoptions generatoroptions buildmetadata patch target targets source options literals name behavior type
    """.split()
)
# The same for the configuration of a generator or transformer.
_PLUGIN_KEYS_WITHOUT_PATHS = frozenset(
    """
    apiversion kind metadata annotations labels images imagetag prefix suffix replicas fieldspecs namespace options patch
    jsonop value target targets source literals name behavior type
    """.split()
)
_PLUGIN_KEYS = frozenset({"generators", "transformers", "validators"})
HELM_CHART_KEYS = frozenset({"helmcharts", "helmchartinflationgenerator"})

# What a builder takes for an address before it looks on the disk.
_REMOTE_ADDRESS = lazy_regex(
    r"[a-z][a-z0-9+.-]*:/"  # a scheme
    r"|(?:https?|ssh|git|file|gh|hg|s3|gs|oci):"
    r"|[a-z0-9]+::"  # go-getter's
    r"|github\.com[/:]"
    r"|[^/\s@]+@[^/\s:]+(?::|/.*(?:/|\.git|_git))",  # scp's
    re.IGNORECASE,
)
# What is an address where nothing of the name stands on the disk.
_LIKELY_REMOTE_ADDRESS = lazy_regex(
    r"(?:[\w-]+\.)+[a-z]{2,}(?::\d+)?/[^/]+/|.*(?:\?(?:ref|version|timeout|submodules)=|//|\.git(?:/|\?|\Z))",
    re.IGNORECASE,
)
_ADDRESS_IN_TEXT = lazy_regex(
    r"[a-z][a-z0-9+.-]{0,80}:/[^\s\"']*|[\w-]{1,80}@[\w.-]{1,253}[:/]\S*|\w{1,80}::\S*|github\.com[/:]\S*",
    re.IGNORECASE,
)
_URL_CREDENTIALS = lazy_regex(r"//[^/@\s]+(?=@)")


class OverlayRefusedError(RenderError):
    """An overlay that is not built on purpose: what it takes in is remote, or out of the tree."""


class RemoteChartError(OverlayRefusedError):
    """An overlay that inflates a chart from elsewhere, which no builder does unasked."""


@dataclass(frozen=True, slots=True)
class KustomizationVisit:
    """A kustomization on the way: its folder, and the one whose generator or transformer it configures, if it does."""

    folder: str
    plugin_user: str | None = None


@dataclass(slots=True)
class OverlayInputs:
    """What the overlay in a folder takes in, by real paths in the tree: files, folders, and kustomizations by their users.

    `refusals` say what of it is not taken in, as it is remote or out of the tree: no program is given an overlay that has any.
    """

    tree: ConfinedTree
    folder: str
    refusals: list[OverlayRefusedError] = field(default_factory=list)
    files: set[str] = field(default_factory=set)
    folders: set[str] = field(default_factory=set)
    kustomizations_by_user: dict[str, list[str]] = field(default_factory=dict)
    size: int = 0


def is_remote_address(address: str) -> bool:
    """Whether a builder would look for this elsewhere, whatever stands on the disk."""
    return bool(_REMOTE_ADDRESS.match(address.strip()))


def gather_overlay_inputs(tree: ConfinedTree, overlay_folder: str, work_of_run: OverlayWorkOfRun | None = None) -> OverlayInputs:
    """All that the overlay in a folder takes in of the tree. Raises RenderError for what cannot be read, or is too much."""
    work_of_run = work_of_run or OverlayWorkOfRun()
    overlay_inputs = _InputGathering(tree, overlay_folder, leaves_out_refused=True).gather_all(work_of_run)
    work_of_run.count_kustomization_builds(_build_count(overlay_inputs.kustomizations_by_user, overlay_folder))
    return overlay_inputs


def is_refused_without_its_bases(tree: ConfinedTree, kustomization_folder: str) -> bool:
    """Whether a kustomization, but for the kustomizations that it takes in, is one that is not built."""
    try:
        _InputGathering(tree, kustomization_folder).take_in_kustomization(KustomizationVisit(kustomization_folder))
    except RenderError:
        return True
    return False


def refusal_of_entry(tree: ConfinedTree, kustomization_folder: str, entry_text: str, place_text: str) -> OverlayRefusedError | None:
    """Why what one text of a kustomization names is not taken in: it is remote or out of the tree, or the kustomization there is."""
    gathering = _InputGathering(tree, kustomization_folder)
    try:
        inner_folder = gathering.take_in_entry(kustomization_folder, entry_text, None, place_text)
        for file_name in sorted(KUSTOMIZATION_FILENAMES) if inner_folder is not None else ():
            resolve_file(tree, posixpath.join(inner_folder or "", file_name), place_text)
    except OverlayRefusedError as refusal:
        return refusal
    except RenderError:
        return None
    return None


class _InputGathering:
    """One pass over the kustomizations that an overlay reaches; what is refused raises OverlayRefusedError, or is noted and left out."""

    def __init__(self, tree: ConfinedTree, overlay_folder: str, *, leaves_out_refused: bool = False) -> None:
        self.tree = tree
        self.leaves_out_refused = leaves_out_refused
        self.made = OverlayInputs(tree, overlay_folder)

    def gather_all(self, work_of_run: OverlayWorkOfRun) -> OverlayInputs:
        pending_visits = [KustomizationVisit(self.made.folder)]
        finished_visits: set[KustomizationVisit] = set()
        while pending_visits:
            visit = pending_visits.pop()
            if visit not in finished_visits:
                finished_visits.add(visit)
                work_of_run.count_kustomization_builds()
                pending_visits += self.take_in_kustomization(visit)
        return self.made

    def take_in_kustomization(self, visit: KustomizationVisit) -> list[KustomizationVisit]:
        """Take in what the kustomization of a folder names; the kustomizations among that."""
        self.made.folders.add(visit.folder)
        inner_visits = []
        # What configures a generator or transformer may be patched together: there no key is plain.
        keys_without_paths = _KEYS_WITHOUT_PATHS if visit.plugin_user is None else frozenset({"apiversion", "kind"})
        for kustomization_file_name in sorted(KUSTOMIZATION_FILENAMES):
            try:
                kustomization_path = resolve_file(self.tree, posixpath.join(visit.folder, kustomization_file_name), kustomization_file_name)
            except OverlayRefusedError as refusal:
                if visit.folder == self.made.folder:
                    raise
                self.note_or_raise(refusal)
                continue
            if kustomization_path is None:
                continue
            self.count_file(kustomization_path)
            for entry_key, entry_text in self.path_strings_of_file(kustomization_path, keys_without_paths):
                plugin_user = visit.plugin_user
                if plugin_user is None and entry_key in _PLUGIN_KEYS:
                    plugin_user = visit.folder
                try:
                    inner_folder = self.take_in_entry_of_key(visit.folder, entry_key, entry_text, plugin_user, kustomization_path)
                except OverlayRefusedError as refusal:
                    self.note_or_raise(refusal)
                    continue
                if inner_folder is not None:
                    self.made.kustomizations_by_user.setdefault(visit.folder, []).append(inner_folder)
                    inner_visits.append(KustomizationVisit(inner_folder, plugin_user))
        return inner_visits

    def note_or_raise(self, refusal: OverlayRefusedError) -> None:
        """Note what is refused where it is left out. Raises it elsewhere."""
        if not self.leaves_out_refused:
            raise refusal
        self.made.refusals.append(refusal)

    def take_in_entry_of_key(
        self, kustomization_folder: str, entry_key: str, entry_text: str, plugin_user_folder: str | None, kustomization_path: str
    ) -> str | None:
        """Take in what one text under an outermost key names; the folder that it names, where that is one."""
        place_text = self.tree.report_path(kustomization_path)
        if entry_key in HELM_CHART_KEYS and is_remote_address(entry_text):
            raise remote_chart_error(entry_text.strip(), place_text)
        return self.take_in_entry(kustomization_folder, entry_text, plugin_user_folder, place_text)

    def path_strings_of_file(self, real_file_path: str, keys_to_skip: frozenset[str]) -> list[tuple[str, str]]:
        """(key, text) of all that a file says under keys that may name files."""
        file_text = decode_text(self.tree.content_by_path[real_file_path])
        if file_text is None:
            raise RenderError(f"{self.tree.report_path(real_file_path)} is not text")
        return _keys_and_path_strings(file_text, keys_to_skip, self.tree.report_path(real_file_path))

    def take_in_entry(self, kustomization_folder: str, entry_text: str, plugin_user_folder: str | None, place_text: str) -> str | None:
        """Take in what one text of a kustomization names; the folder that it names, where that is one."""
        if _is_inline_document(entry_text):
            if plugin_user_folder is not None:
                self.take_in_plugin_files((kustomization_folder, plugin_user_folder), entry_text, place_text)
            return None
        possible_names = _possible_names(entry_text, place_text)
        for possible_name in possible_names:
            if possible_name.startswith("/"):
                raise OverlayRefusedError(f"{place_text} takes in {possible_name}, an absolute path; only what stands in the tree is read")
            path_in_tree = posixpath.normpath(posixpath.join(kustomization_folder, possible_name))
            real_file_path = resolve_file(self.tree, path_in_tree, place_text)
            if real_file_path is not None:
                self.count_file(real_file_path)
                if plugin_user_folder is not None:
                    plugin_text = decode_text(self.tree.content_by_path[real_file_path]) or ""
                    self.take_in_plugin_files((kustomization_folder, plugin_user_folder), plugin_text, self.tree.report_path(real_file_path))
                return None
            real_folder_path = resolve_folder(self.tree, path_in_tree, place_text)
            if real_folder_path is not None:
                self.made.folders.add(real_folder_path)
                return real_folder_path
        _refuse_likely_remote_names(possible_names, place_text)
        return None

    def take_in_plugin_files(self, base_folders: tuple[str, str], plugin_text: str, place_text: str) -> None:
        """Take in the files that the configuration of a generator or transformer names."""
        for _, path_string in _keys_and_path_strings(plugin_text, _PLUGIN_KEYS_WITHOUT_PATHS, place_text):
            if _is_inline_document(path_string):
                remote_address_match = _ADDRESS_IN_TEXT.search(path_string)
                if remote_address_match:
                    raise _remote_error(remote_address_match[0], place_text)
                continue
            relative_names = [name for name in _possible_names(path_string, place_text) if not name.startswith("/")]
            candidate_paths = {posixpath.normpath(posixpath.join(folder, name)) for name in relative_names for folder in base_folders}
            real_file_paths = [real_file_path for path in sorted(candidate_paths) if (real_file_path := resolve_file(self.tree, path, place_text))]
            for real_file_path in real_file_paths:
                self.count_file(real_file_path)
            if not real_file_paths:
                _refuse_likely_remote_names(relative_names, place_text)

    def count_file(self, real_file_path: str) -> None:
        """Count a file that was read among the inputs. Raises RenderError where they grow over the limit."""
        if real_file_path in self.made.files:
            return
        self.made.files.add(real_file_path)
        self.made.size += len(self.tree.content_by_path[real_file_path])
        if len(self.made.files) > MAX_FILES_PER_OVERLAY or self.made.size > MAX_BYTES_PER_OVERLAY:
            raise LimitError(f"it takes in over {MAX_FILES_PER_OVERLAY} files or {MAX_BYTES_PER_OVERLAY >> 20} MiB")


def resolve_file(tree: ConfinedTree, path_in_tree: str, place_text: str) -> str | None:
    """The real path of a file that something at a place names, None where there is none. Raises OverlayRefusedError and LimitError."""
    try:
        return tree.real_file_path(path_in_tree)
    except OutsideError as error:
        raise _outside_error(path_in_tree, place_text, error) from None
    except TooLargeError:
        raise LimitError(
            f"{place_text} takes in {path_in_tree[:200]}, which is over the limits of {MAX_FILE_BYTES >> 20} MiB for one file and"
            f" {MAX_TREE_BYTES >> 20} MiB for all"
        ) from None


def resolve_folder(tree: ConfinedTree, path_in_tree: str, place_text: str) -> str | None:
    """The real path of a folder that something at a place names, None where there is none. Raises OverlayRefusedError."""
    try:
        return tree.real_folder_path(path_in_tree)
    except OutsideError as error:
        raise _outside_error(path_in_tree, place_text, error) from None


def _keys_and_path_strings(yaml_text: str, keys_to_skip: frozenset[str], place_text: str) -> list[tuple[str, str]]:
    try:
        return [one for node in load_unresolved(yaml_text) for one in strings_by_outermost_key(node, keys_to_skip)]
    except UnresolvedYamlError as error:
        raise RenderError(f"{place_text} cannot be read: {error}") from None


def _is_inline_document(entry_text: str) -> bool:
    """Whether a text is a document in itself and no name."""
    return "\n" in entry_text.strip() or entry_text.lstrip().startswith(("{", "["))


def _possible_names(entry_text: str, place_text: str) -> list[str]:
    """What a text may name: itself, and what stands behind the key that a generator gives a file. Raises OverlayRefusedError."""
    nonempty_names = [name for name in (entry_text.strip(), entry_text.partition("=")[2].strip()) if name]
    for name in nonempty_names:
        if is_remote_address(name):
            raise _remote_error(name, place_text)
    return [name for name in nonempty_names if len(name) <= MAX_PATH_CHARACTERS]


def _refuse_likely_remote_names(possible_names: list[str], place_text: str) -> None:
    for name in possible_names:
        if _LIKELY_REMOTE_ADDRESS.match(name):
            raise _remote_error(name, place_text)


def remote_chart_error(repository: str, place_text: str) -> RemoteChartError:
    """Why an overlay that takes in a chart of a repository is not built."""
    shown_repository = _URL_CREDENTIALS.sub("//…", repository)[:200]
    return RemoteChartError(f"{place_text} takes in a Helm chart of {shown_repository}, which is remote and is not fetched")


def _remote_error(remote_name: str, place_text: str) -> OverlayRefusedError:
    shown_name = _URL_CREDENTIALS.sub("//…", remote_name)[:200]
    return OverlayRefusedError(f"{place_text} takes in {shown_name}, which is remote and is not fetched")


def _outside_error(outside_path: str, place_text: str, error: OutsideError) -> OverlayRefusedError:
    if error.is_version_control:
        return OverlayRefusedError(f"{place_text} takes in {outside_path[:200]}, which leads into the data of version control and is not read")
    if error.reason in {REASON_TOO_MANY_STEPS, REASON_LINK_OF_TOO_MANY_STEPS}:
        return OverlayRefusedError(
            f"{place_text} takes in {outside_path[:200]}, which has more steps or links than are followed; make its path shorter"
        )
    return OverlayRefusedError(
        f"{place_text} takes in {outside_path[:200]}, which leads out of the tree and is not read; check a directory that holds both"
    )


def _build_count(kustomizations_by_user: dict[str, list[str]], root_folder: str) -> int:
    """How often a builder would build the kustomizations below one. Raises RenderError for too often, and for a circle."""
    build_count_by_folder: dict[str, int] = {}
    folders_on_path: set[str] = set()
    folder_stack = [root_folder]
    while folder_stack:
        folder = folder_stack[-1]
        inner_folders = kustomizations_by_user.get(folder, [])
        if folder not in folders_on_path and folder not in build_count_by_folder:
            folders_on_path.add(folder)
            for inner_folder in inner_folders:
                if inner_folder in folders_on_path:
                    raise RenderError(f"{inner_folder or '.'} takes in itself by way of {folder or '.'}")
            folder_stack += [inner_folder for inner_folder in inner_folders if inner_folder not in build_count_by_folder]
            continue
        folder_stack.pop()
        if folder in folders_on_path:
            folders_on_path.discard(folder)
            build_count_by_folder[folder] = min(
                1 + sum(build_count_by_folder[inner_folder] for inner_folder in inner_folders), MAX_KUSTOMIZATION_BUILDS + 1
            )
    if build_count_by_folder[root_folder] > MAX_KUSTOMIZATION_BUILDS:
        raise LimitError(f"it takes in over {MAX_KUSTOMIZATION_BUILDS} kustomizations, one counted each time")
    return build_count_by_folder[root_folder]

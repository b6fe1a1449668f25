"""What an overlay takes in, worked out from the disk before anything is built: all of it local, in the tree, and in bounds.

The builder then sees a copy of exactly these files, so what is not understood here is not there for it.
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass, field

from readiness.files import decode_text
from readiness.loading.render import KUSTOMIZATION_FILENAMES
from readiness.loading.render.made import LimitError, RenderError
from readiness.loading.render.tree import (
    MAX_FILE,
    MAX_TOTAL,
    ConfinedTree,
    OutsideError,
    TooLargeError,
)
from readiness.syntax.yaml_whole import UnresolvedYamlError, load_unresolved, string_values

MAX_FILES, MAX_BYTES = 2000, 50 << 20
MAX_VISITS = 2000  # of kustomizations: one that is taken in twice is built twice, with all that it takes in
MAX_PATH = 1024  # characters

# Keys of a kustomization under which no file is named; all others are looked through, those that nobody knows too.
_KEYS_WITHOUT_PATHS = frozenset(
    """
    apiversion kind metadata nameprefix namesuffix namespace commonlabels labels commonannotations images imagetags replicas
    vars sortoptions generatoroptions buildmetadata patch target targets source options literals name behavior type
    """.split()
)
# The same for the configuration of a generator or transformer.
_PLAIN_PLUGIN = frozenset(
    """
    apiversion kind metadata annotations labels images imagetag prefix suffix replicas fieldspecs namespace options patch
    jsonop value target targets source literals name behavior type
    """.split()
)
_PLUGIN_KEYS = frozenset({"generators", "transformers", "validators"})
CHARTS = frozenset({"helmcharts", "helmchartinflationgenerator"})

# What a builder takes for an address before it looks on the disk.
_REMOTE_ADDRESS = re.compile(
    r"[a-z][a-z0-9+.-]*:/"  # a scheme
    r"|(?:https?|ssh|git|file|gh|hg|s3|gs|oci):"
    r"|[a-z0-9]+::"  # go-getter's
    r"|github\.com[/:]"
    r"|[^/\s@]+@[^/\s:]+(?::|/.*(?:/|\.git|_git))",  # scp's
    re.IGNORECASE,
)
# What is an address where nothing of the name stands on the disk.
_LIKELY_REMOTE_ADDRESS = re.compile(
    r"(?:[\w-]+\.)+[a-z]{2,}(?::\d+)?/[^/]+/|.*(?:\?(?:ref|version|timeout|submodules)=|//|\.git(?:/|\?|\Z))",
    re.IGNORECASE,
)
_ADDRESS_IN_TEXT = re.compile(
    r"[a-z][a-z0-9+.-]{0,80}:/[^\s\"']*|[\w-]{1,80}@[\w.-]{1,253}[:/]\S*|\w{1,80}::\S*|github\.com[/:]\S*",
    re.IGNORECASE,
)
_URL_CREDENTIALS = re.compile(r"//[^/@\s]+(?=@)")


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
    """What the overlay in a folder takes in, by real paths in the tree: files, folders, and kustomizations by their users."""

    tree: ConfinedTree
    folder: str
    files: set[str] = field(default_factory=set)
    folders: set[str] = field(default_factory=set)
    kustomizations_by_user: dict[str, list[str]] = field(default_factory=dict)
    size: int = 0


def is_remote(text: str) -> bool:
    """Whether a builder would look for this elsewhere, whatever stands on the disk."""
    return bool(_REMOTE_ADDRESS.match(text.strip()))


def gather_inputs(tree: ConfinedTree, folder: str) -> OverlayInputs:
    """All that the overlay in a folder takes in. Raises OverlayRefusedError, and RenderError for what cannot be read."""
    gathered = _InputGathering(tree, folder).gather_all()
    _verify_build_count(gathered.kustomizations_by_user, folder)
    return gathered


def is_refused_itself(tree: ConfinedTree, folder: str) -> bool:
    """Whether a kustomization, but for the kustomizations that it takes in, is one that is not built."""
    try:
        _InputGathering(tree, folder).take_in_kustomization(KustomizationVisit(folder))
    except RenderError:
        return True
    return False


class _InputGathering:
    """One pass over the kustomizations that an overlay reaches."""

    def __init__(self, tree: ConfinedTree, folder: str) -> None:
        self.tree = tree
        self.made = OverlayInputs(tree, folder)

    def gather_all(self) -> OverlayInputs:
        waiting = [KustomizationVisit(self.made.folder)]
        done: set[KustomizationVisit] = set()
        while waiting:
            step = waiting.pop()
            if step not in done:
                done.add(step)
                waiting += self.take_in_kustomization(step)
        return self.made

    def take_in_kustomization(self, visit: KustomizationVisit) -> list[KustomizationVisit]:
        """Take in what the kustomization of a folder names; the kustomizations among that."""
        self.made.folders.add(visit.folder)
        steps = []
        # What configures a generator or transformer may be patched together: there no key is plain.
        plain = _KEYS_WITHOUT_PATHS if visit.plugin_user is None else frozenset({"apiversion", "kind"})
        for name in sorted(KUSTOMIZATION_FILENAMES):
            path = self.resolve_file(posixpath.join(visit.folder, name), name)
            if path is None:
                continue
            self.count_file(path)
            for key, text in self.path_strings_of_file(path, plain):
                if key in CHARTS and is_remote(text):
                    raise remote_chart(text.strip(), self.tree.report_path(path))
                user = visit.plugin_user
                if user is None and key in _PLUGIN_KEYS:
                    user = visit.folder
                inner = self.take_in_entry(visit.folder, text, user, self.tree.report_path(path))
                if inner is not None:
                    self.made.kustomizations_by_user.setdefault(visit.folder, []).append(inner)
                    steps.append(KustomizationVisit(inner, user))
        return steps

    def path_strings_of_file(self, path: str, keys_to_skip: frozenset[str]) -> list[tuple[str, str]]:
        """(key, text) of all that a file says under keys that may name files."""
        text = decode_text(self.tree.content_by_path[path])
        if text is None:
            raise RenderError(f"{self.tree.report_path(path)} is not text")
        return _path_strings(text, keys_to_skip, self.tree.report_path(path))

    def take_in_entry(self, folder: str, text: str, plugin_user: str | None, place_text: str) -> str | None:
        """Take in what one text of a kustomization names; the folder that it names, where that is one."""
        if _is_inline(text):
            if plugin_user is not None:
                self.take_in_plugin_files((folder, plugin_user), text, place_text)
            return None
        names = _possible_names(text, place_text)
        for name in names:
            if name.startswith("/"):
                raise OverlayRefusedError(
                    f"{place_text} takes in {name}, an absolute path; only what stands in the tree is read"
                )
            path = posixpath.normpath(posixpath.join(folder, name))
            file = self.resolve_file(path, place_text)
            if file is not None:
                self.count_file(file)
                if plugin_user is not None:
                    content = decode_text(self.tree.content_by_path[file]) or ""
                    self.take_in_plugin_files((folder, plugin_user), content, self.tree.report_path(file))
                return None
            inner = self.resolve_folder(path, place_text)
            if inner is not None:
                self.made.folders.add(inner)
                return inner
        _refuse_if_remote(names, place_text)
        return None

    def take_in_plugin_files(self, folders: tuple[str, str], text: str, place_text: str) -> None:
        """Take in the files that the configuration of a generator or transformer names."""
        for _, value in _path_strings(text, _PLAIN_PLUGIN, place_text):
            if _is_inline(value):
                remote = _ADDRESS_IN_TEXT.search(value)
                if remote:
                    raise _remote_error(remote[0], place_text)
                continue
            names = [name for name in _possible_names(value, place_text) if not name.startswith("/")]
            paths = {posixpath.normpath(posixpath.join(folder, name)) for name in names for folder in folders}
            files = [file for path in sorted(paths) if (file := self.resolve_file(path, place_text))]
            for file in files:
                self.count_file(file)
            if not files:
                _refuse_if_remote(names, place_text)

    def count_file(self, file: str) -> None:
        """Count a file that was read among the inputs. Raises RenderError where they grow over the limit."""
        if file in self.made.files:
            return
        self.made.files.add(file)
        self.made.size += len(self.tree.content_by_path[file])
        if len(self.made.files) > MAX_FILES or self.made.size > MAX_BYTES:
            raise LimitError(f"it takes in over {MAX_FILES} files or {MAX_BYTES >> 20} MiB")

    def resolve_file(self, path: str, place_text: str) -> str | None:
        """The real path of a file, None where there is none."""
        try:
            return self.tree.real_file_path(path)
        except OutsideError:
            raise _outside_error(path, place_text) from None
        except TooLargeError:
            raise LimitError(
                f"{place_text} takes in {path}, which is over the limits of {MAX_FILE >> 20} MiB for one file and"
                f" {MAX_TOTAL >> 20} MiB for all"
            ) from None

    def resolve_folder(self, path: str, place_text: str) -> str | None:
        """The real path of a folder, None where there is none."""
        try:
            return self.tree.real_folder_path(path)
        except OutsideError:
            raise _outside_error(path, place_text) from None


def _path_strings(text: str, keys_to_skip: frozenset[str], place_text: str) -> list[tuple[str, str]]:
    try:
        return [one for node in load_unresolved(text) for one in string_values(node, keys_to_skip)]
    except UnresolvedYamlError as error:
        raise RenderError(f"{place_text} cannot be read: {error}") from None


def _is_inline(text: str) -> bool:
    """Whether a text is a document in itself and no name."""
    return "\n" in text.strip() or text.lstrip().startswith(("{", "["))


def _possible_names(text: str, place_text: str) -> list[str]:
    """What a text may name: itself, and what stands behind the key that a generator gives a file. Raises OverlayRefusedError."""
    names = [name for name in (text.strip(), text.partition("=")[2].strip()) if name]
    for name in names:
        if is_remote(name):
            raise _remote_error(name, place_text)
    return [name for name in names if len(name) <= MAX_PATH]


def _refuse_if_remote(names: list[str], place_text: str) -> None:
    for name in names:
        if _LIKELY_REMOTE_ADDRESS.match(name):
            raise _remote_error(name, place_text)


def remote_chart(repository: str, where: str) -> RemoteChartError:
    """Why an overlay that takes in a chart of a repository is not built."""
    safe_name = _URL_CREDENTIALS.sub("//…", repository)[:200]
    return RemoteChartError(f"{where} takes in a Helm chart of {safe_name}, which is remote and is not fetched")


def _remote_error(name: str, place_text: str) -> OverlayRefusedError:
    safe_name = _URL_CREDENTIALS.sub("//…", name)[:200]
    return OverlayRefusedError(f"{place_text} takes in {safe_name}, which is remote and is not fetched")


def _outside_error(path: str, place_text: str) -> OverlayRefusedError:
    return OverlayRefusedError(
        f"{place_text} takes in {path[:200]}, which leads out of the tree and is not read; check a directory that holds both"
    )


def _verify_build_count(kustomizations_by_user: dict[str, list[str]], root: str) -> None:
    """How often a builder would build the kustomizations below one. Raises RenderError for too often, and for a circle."""
    visits: dict[str, int] = {}
    open_: set[str] = set()
    stack = [root]
    while stack:
        node = stack[-1]
        inner = kustomizations_by_user.get(node, [])
        if node not in open_ and node not in visits:
            open_.add(node)
            for other in inner:
                if other in open_:
                    raise RenderError(f"{other or '.'} takes in itself by way of {node or '.'}")
            stack += [other for other in inner if other not in visits]
            continue
        stack.pop()
        if node in open_:
            open_.discard(node)
            visits[node] = min(1 + sum(visits[other] for other in inner), MAX_VISITS + 1)
    if visits[root] > MAX_VISITS:
        raise LimitError(f"it takes in over {MAX_VISITS} kustomizations, one counted each time")

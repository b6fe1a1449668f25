"""What an overlay takes in, worked out from the disk before anything is built: all of it local, in the tree, and in bounds.

The builder then sees a copy of exactly these files, so what is not understood here is not there for it.
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass, field

from readiness.loading.discover import decode_text
from readiness.loading.render import OVERLAYS
from readiness.loading.render.made import LimitError, RenderError
from readiness.loading.render.tree import MAX_FILE, MAX_TOTAL, OutsideError, TooLargeError, Tree
from readiness.syntax.yaml_whole import WholeError, load_whole, string_values

FILES, BYTES = 2000, 50 << 20
MAX_VISITS = (
    2000  # of kustomizations: one that is taken in twice is built twice, with all that it takes in
)
MAX_PATH = 1024  # characters

# Keys of a kustomization under which no file is named; all others are looked through, those that nobody knows too.
_PLAIN = frozenset(
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
_PLUGINS = frozenset({"generators", "transformers", "validators"})
CHARTS = frozenset({"helmcharts", "helmchartinflationgenerator"})

# What a builder takes for an address before it looks on the disk.
_REMOTE = re.compile(
    r"[a-z][a-z0-9+.-]*:/"  # a scheme
    r"|(?:https?|ssh|git|file|gh|hg|s3|gs|oci):"
    r"|[a-z0-9]+::"  # go-getter's
    r"|github\.com[/:]"
    r"|[^/\s@]+@[^/\s:]+(?::|/.*(?:/|\.git|_git))",  # scp's
    re.IGNORECASE,
)
# What is an address where nothing of the name stands on the disk.
_LIKELY = re.compile(
    r"(?:[\w-]+\.)+[a-z]{2,}(?::\d+)?/[^/]+/|.*(?:\?(?:ref|version|timeout|submodules)=|//|\.git(?:/|\?|\Z))",
    re.IGNORECASE,
)
_INSIDE = re.compile(
    r"[a-z][a-z0-9+.-]{0,80}:/[^\s\"']*|[\w-]{1,80}@[\w.-]{1,253}[:/]\S*|\w{1,80}::\S*|github\.com[/:]\S*",
    re.IGNORECASE,
)
_CREDENTIALS = re.compile(r"//[^/@\s]+(?=@)")


class RefusedError(RenderError):
    """An overlay that is not built on purpose: what it takes in is remote, or out of the tree."""


class RemoteChartError(RefusedError):
    """An overlay that inflates a chart from elsewhere, which no builder does unasked."""


@dataclass(frozen=True, slots=True)
class Step:
    """A kustomization on the way: its folder, and the one whose generator or transformer it configures, if it does."""

    folder: str
    user: str | None = None


@dataclass(slots=True)
class Gathered:
    """What the overlay in a folder takes in, by real paths in the tree: files, folders, and kustomizations by their users."""

    tree: Tree
    folder: str
    files: set[str] = field(default_factory=set)
    folders: set[str] = field(default_factory=set)
    takes: dict[str, list[str]] = field(default_factory=dict)
    size: int = 0


def is_remote(text: str) -> bool:
    """Whether a builder would look for this elsewhere, whatever stands on the disk."""
    return bool(_REMOTE.match(text.strip()))


def gather_inputs(tree: Tree, folder: str) -> Gathered:
    """All that the overlay in a folder takes in. Raises RefusedError, and RenderError for what cannot be read."""
    gathered = _Gathering(tree, folder).gather()
    _verify_build_count(gathered.takes, folder)
    return gathered


def is_refused_itself(tree: Tree, folder: str) -> bool:
    """Whether a kustomization, but for the kustomizations that it takes in, is one that is not built."""
    try:
        _Gathering(tree, folder).kustomization(Step(folder))
    except RenderError:
        return True
    return False


class _Gathering:
    """One pass over the kustomizations that an overlay reaches."""

    def __init__(self, tree: Tree, folder: str) -> None:
        self.tree = tree
        self.made = Gathered(tree, folder)

    def gather(self) -> Gathered:
        waiting = [Step(self.made.folder)]
        done: set[Step] = set()
        while waiting:
            step = waiting.pop()
            if step not in done:
                done.add(step)
                waiting += self.kustomization(step)
        return self.made

    def kustomization(self, step: Step) -> list[Step]:
        """Take in what the kustomization of a folder names; the kustomizations among that."""
        self.made.folders.add(step.folder)
        steps = []
        # What configures a generator or transformer may be patched together: there no key is plain.
        plain = _PLAIN if step.user is None else frozenset({"apiversion", "kind"})
        for name in sorted(OVERLAYS):
            path = self.file(posixpath.join(step.folder, name), name)
            if path is None:
                continue
            self.add(path)
            for key, text in self.strings(path, plain):
                if key in CHARTS and is_remote(text):
                    raise remote_chart(text.strip(), self.tree.shown(path))
                user = step.user
                if user is None and key in _PLUGINS:
                    user = step.folder
                inner = self.entry(step.folder, text, user, self.tree.shown(path))
                if inner is not None:
                    self.made.takes.setdefault(step.folder, []).append(inner)
                    steps.append(Step(inner, user))
        return steps

    def strings(self, path: str, plain: frozenset[str]) -> list[tuple[str, str]]:
        """(key, text) of all that a file says under keys that may name files."""
        text = decode_text(self.tree.texts[path])
        if text is None:
            raise RenderError(f"{self.tree.shown(path)} is not text")
        return _path_strings(text, plain, self.tree.shown(path))

    def entry(self, folder: str, text: str, user: str | None, where: str) -> str | None:
        """Take in what one text of a kustomization names; the folder that it names, where that is one."""
        if _is_inline(text):
            if user is not None:
                self.plugin((folder, user), text, where)
            return None
        names = _possible_names(text, where)
        for name in names:
            if name.startswith("/"):
                raise RefusedError(
                    f"{where} takes in {name}, an absolute path; only what stands in the tree is read"
                )
            path = posixpath.normpath(posixpath.join(folder, name))
            file = self.file(path, where)
            if file is not None:
                self.add(file)
                if user is not None:
                    content = decode_text(self.tree.texts[file]) or ""
                    self.plugin((folder, user), content, self.tree.shown(file))
                return None
            inner = self.folder(path, where)
            if inner is not None:
                self.made.folders.add(inner)
                return inner
        _refuse_if_remote(names, where)
        return None

    def plugin(self, folders: tuple[str, str], text: str, where: str) -> None:
        """Take in the files that the configuration of a generator or transformer names."""
        for _, value in _path_strings(text, _PLAIN_PLUGIN, where):
            if _is_inline(value):
                remote = _INSIDE.search(value)
                if remote:
                    raise _remote_error(remote[0], where)
                continue
            names = [name for name in _possible_names(value, where) if not name.startswith("/")]
            paths = {
                posixpath.normpath(posixpath.join(folder, name))
                for name in names
                for folder in folders
            }
            files = [file for path in sorted(paths) if (file := self.file(path, where))]
            for file in files:
                self.add(file)
            if not files:
                _refuse_if_remote(names, where)

    def add(self, file: str) -> None:
        """Count a file that was read among the inputs. Raises RenderError where they grow over the limit."""
        if file in self.made.files:
            return
        self.made.files.add(file)
        self.made.size += len(self.tree.texts[file])
        if len(self.made.files) > FILES or self.made.size > BYTES:
            raise LimitError(f"it takes in over {FILES} files or {BYTES >> 20} MiB")

    def file(self, path: str, where: str) -> str | None:
        """The real path of a file, None where there is none."""
        try:
            return self.tree.file(path)
        except OutsideError:
            raise _outside_error(path, where) from None
        except TooLargeError:
            raise LimitError(
                f"{where} takes in {path}, which is over the limits of {MAX_FILE >> 20} MiB for one file and"
                f" {MAX_TOTAL >> 20} MiB for all"
            ) from None

    def folder(self, path: str, where: str) -> str | None:
        """The real path of a folder, None where there is none."""
        try:
            return self.tree.folder(path)
        except OutsideError:
            raise _outside_error(path, where) from None


def _path_strings(text: str, plain: frozenset[str], where: str) -> list[tuple[str, str]]:
    try:
        return [one for node in load_whole(text) for one in string_values(node, plain)]
    except WholeError as error:
        raise RenderError(f"{where} cannot be read: {error}") from None


def _is_inline(text: str) -> bool:
    """Whether a text is a document in itself and no name."""
    return "\n" in text.strip() or text.lstrip().startswith(("{", "["))


def _possible_names(text: str, where: str) -> list[str]:
    """What a text may name: itself, and what stands behind the key that a generator gives a file. Raises RefusedError."""
    names = [name for name in (text.strip(), text.partition("=")[2].strip()) if name]
    for name in names:
        if is_remote(name):
            raise _remote_error(name, where)
    return [name for name in names if len(name) <= MAX_PATH]


def _refuse_if_remote(names: list[str], where: str) -> None:
    for name in names:
        if _LIKELY.match(name):
            raise _remote_error(name, where)


def remote_chart(repository: str, where: str) -> RemoteChartError:
    """Why an overlay that takes in a chart of a repository is not built."""
    safe_name = _CREDENTIALS.sub("//…", repository)[:200]
    return RemoteChartError(
        f"{where} takes in a Helm chart of {safe_name}, which is remote and is not fetched"
    )


def _remote_error(name: str, where: str) -> RefusedError:
    safe_name = _CREDENTIALS.sub("//…", name)[:200]
    return RefusedError(f"{where} takes in {safe_name}, which is remote and is not fetched")


def _outside_error(path: str, where: str) -> RefusedError:
    return RefusedError(
        f"{where} takes in {path[:200]}, which leads out of the tree and is not read; check a folder that holds both"
    )


def _verify_build_count(takes: dict[str, list[str]], root: str) -> None:
    """How often a builder would build the kustomizations below one. Raises RenderError for too often, and for a circle."""
    visits: dict[str, int] = {}
    open_: set[str] = set()
    stack = [root]
    while stack:
        node = stack[-1]
        inner = takes.get(node, [])
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

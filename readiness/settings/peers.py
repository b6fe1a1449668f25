"""Settings of other linters, read where they stand: what these leave out, and which options have an equal here.

They come with the tree and are as untrusted as its own settings: read within bounds, never followed out of their directory, and nothing of
them is run. What can't be read counts for nothing, and a notice says so: the file is another tool's.
"""

from __future__ import annotations

import glob
import posixpath
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from readiness import files
from readiness.model import ParseError, Source
from readiness.model.lazy_regex import lazy_regex
from readiness.syntax.yaml import Map, Seq, load_yaml_documents
from readiness.tree_paths import is_inside_folder

MAX_PEER_FILE_BYTES = 64 * 1024
MAX_PEER_IGNORES = 2000  # entries of one file
NAMES_BY_LINTER: Mapping[str, tuple[str, ...]] = {
    "hadolint": (".hadolint.yaml", ".hadolint.yml"),
    "kube-linter": (".kube-linter.yaml", ".kube-linter.yml"),
    "checkov": (".checkov.yaml", ".checkov.yml"),
    "trivy": (".trivyignore.yaml", ".trivyignore"),
    "zizmor": ("zizmor.yml", "zizmor.yaml", ".github/zizmor.yml", ".github/zizmor.yaml"),
    "actionlint": (".github/actionlint.yaml", ".github/actionlint.yml"),
    "dclint": (".dclintrc", ".dclintrc.json", ".dclintrc.yaml", ".dclintrc.yml"),
}
_ZIZMOR_PLACE = lazy_regex(r"(?P<file>[^:]+)(?::(?P<line>\d{1,7})(?::\d{1,7})?)?")
_TRIVY_EXPIRY = lazy_regex(r"\bexp:(?P<date>\d{4}-\d{2}-\d{2})")


class PeerIgnore(NamedTuple):
    """A rule of another linter that its settings leave out: in files of a glob (all where empty), on a line (0 for all), until a day; or all."""

    rule_id: str
    path_glob: str = ""
    line: int = 0
    until: str = ""
    is_of_all_rules: bool = False


class PeerSettings(NamedTuple):
    """A settings file of another linter: what reports call it, what it leaves out, the labels of runners and the registries that it knows.

    `refused` is what of it does not count, since our own settings lock the like.
    """

    name: str
    linter: str
    ignores: tuple[PeerIgnore, ...] = ()
    runner_labels: tuple[str, ...] = ()
    registries: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()

    def without_locked(self, locked_words: Collection[str]) -> PeerSettings:
        """The settings as far as locks of our own settings let them: what would do here what `ignore` or `parameters` does is refused with these."""
        is_ignore_refused = bool(self.ignores) and "ignore" in locked_words
        is_option_refused = bool(self.runner_labels or self.registries) and "parameters" in locked_words
        refused = (*(("ignores",) if is_ignore_refused else ()), *(("options",) if is_option_refused else ()))
        return PeerSettings(
            self.name,
            self.linter,
            () if is_ignore_refused else self.ignores,
            () if is_option_refused else self.runner_labels,
            () if is_option_refused else self.registries,
            refused,
        )

    @property
    def parameters(self) -> Iterator[tuple[str, Mapping[str, Any], str]]:
        """The parameters of rules here that its options are."""
        if self.runner_labels:
            yield "ci/runner-label-unknown", {"own": list(self.runner_labels)}, self.name
        if self.registries:
            yield "dockerfile/base-image-registry-untrusted", {"allowed": list(self.registries)}, self.name


FileReader = Callable[[str], tuple[str, bytes] | None]  # (what reports call it, content) of a path below the root; may raise OSError


def work_tree_reader(root: Path, display_folder: str) -> FileReader:
    """What reads files below a directory of the work tree, by no link out of it."""

    def read(path: str) -> tuple[str, bytes] | None:
        file_path = root / path
        if not file_path.is_symlink() and not file_path.exists():
            return None
        if not is_inside_folder(root, file_path):
            raise OSError(0, "a link that leads out of its directory")
        display_path = f"{display_folder}/{path}" if display_folder else path
        return display_path, files.read_regular_file(file_path, MAX_PEER_FILE_BYTES)

    return read


def read_peer_settings(read: FileReader) -> tuple[tuple[PeerSettings, ...], tuple[str, ...]]:
    """The settings of other linters, one file of each, and notices on those that can't be read."""
    found: list[PeerSettings] = []
    notices: list[str] = []
    for linter, names in NAMES_BY_LINTER.items():
        for name in names:
            try:
                named_content = read(name)
                if named_content is None:
                    continue
                found.append(_parse(linter, *named_content))
            except (OSError, UnicodeDecodeError, ParseError, RecursionError) as error:
                reason = files.os_error_text_without_path(error) if isinstance(error, OSError) else "not what its linter reads"
                notices.append(f"{name}: {reason}, so nothing of it counts here")
            break
    return tuple(found), tuple(notices)


def _parse(linter: str, name: str, content: bytes) -> PeerSettings:
    """The settings in a file of a linter. Raises UnicodeDecodeError and ParseError."""
    text = content.decode("utf-8-sig")
    if name.endswith(".trivyignore"):
        return PeerSettings(name, linter, tuple(_bounded(_trivy_lines(text))))
    documents = load_yaml_documents(Source(name, text).text)
    settings = documents[0] if documents else None
    if not isinstance(settings, Map):
        return PeerSettings(name, linter)
    if linter == "actionlint":
        labels = _texts(_mapping(settings.get("self-hosted-runner")).get("labels"))
        return PeerSettings(name, linter, runner_labels=tuple(labels)[:MAX_PEER_IGNORES])
    registries = tuple(_texts(settings.get("trustedRegistries"))[:MAX_PEER_IGNORES]) if linter == "hadolint" else ()
    return PeerSettings(name, linter, registries=registries, ignores=tuple(_bounded(_IGNORES_BY_LINTER[linter](settings))))


def _bounded(ignores: Iterator[PeerIgnore]) -> Iterator[PeerIgnore]:
    for number, one in enumerate(ignores):
        if number >= MAX_PEER_IGNORES:
            return
        yield one


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Map) else {}


def _texts(value: Any) -> list[str]:
    """The strings of a list, or those between the commas of a string."""
    if isinstance(value, str):
        return [one.strip() for one in value.split(",") if one.strip()]
    return [one for one in value if isinstance(one, str) and one] if isinstance(value, Seq) else []


def _hadolint_ignores(settings: Map) -> Iterator[PeerIgnore]:
    yield from map(PeerIgnore, _texts(settings.get("ignored")))


def _kube_linter_ignores(settings: Map) -> Iterator[PeerIgnore]:
    checks = _mapping(settings.get("checks"))
    yield from map(PeerIgnore, _texts(checks.get("exclude")))
    for pattern in _texts(checks.get("ignorePaths")):
        relative_pattern = pattern.removeprefix("./")
        if not relative_pattern.startswith(("/", "~")):
            yield PeerIgnore("all checks", relative_pattern, is_of_all_rules=True)


def _checkov_ignores(settings: Map) -> Iterator[PeerIgnore]:
    for word in _texts(settings.get("skip-check")):
        if word.startswith(("CKV", "BC_")) and "*" not in word:  # it may also be a severity, or a pattern
            yield PeerIgnore(word)


def _trivy_ignores(settings: Map) -> Iterator[PeerIgnore]:
    entries = settings.get("misconfigurations")
    for entry in entries if isinstance(entries, Seq) else ():
        rule_id, until = _mapping(entry).get("id"), _mapping(entry).get("expired_at")
        if isinstance(rule_id, str):
            end = str(until)[:10] if until is not None else ""
            yield from (PeerIgnore(rule_id, pattern, 0, end) for pattern in _texts(_mapping(entry).get("paths")) or [""])


def _trivy_lines(text: str) -> Iterator[PeerIgnore]:
    for line in text.splitlines():
        words = line.partition("#")[0].split()
        if words:
            expiry = _TRIVY_EXPIRY.search(line)
            yield PeerIgnore(words[0], until=expiry["date"] if expiry else "")


def _zizmor_ignores(settings: Map) -> Iterator[PeerIgnore]:
    for rule_id, rule_settings in _mapping(settings.get("rules")).items():
        if _mapping(rule_settings).get("disable") is True:
            yield PeerIgnore(rule_id)
        for place in _texts(_mapping(rule_settings).get("ignore")):
            match = _ZIZMOR_PLACE.fullmatch(place)
            if match and posixpath.basename(match["file"]) == match["file"]:
                yield PeerIgnore(rule_id, f"**/{glob.escape(match['file'])}", int(match["line"] or 0))


def _dclint_ignores(settings: Map) -> Iterator[PeerIgnore]:
    for rule_id, level in _mapping(settings.get("rules")).items():
        if (level[0] if isinstance(level, Seq) and level else level) == 0:
            yield PeerIgnore(rule_id)


_IGNORES_BY_LINTER: Mapping[str, Callable[[Map], Iterator[PeerIgnore]]] = {
    "hadolint": _hadolint_ignores,
    "kube-linter": _kube_linter_ignores,
    "checkov": _checkov_ignores,
    "trivy": _trivy_ignores,
    "zizmor": _zizmor_ignores,
    "dclint": _dclint_ignores,
}

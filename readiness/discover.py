"""Paths to sources: the walk, what is left alone, and what could not be read."""

from __future__ import annotations

import fnmatch
import os
import re
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from readiness.model import Source, line_starts

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

MAX_BYTES = 10 * 1024 * 1024
MAX_DEPTH = 64
VENDORED = frozenset(
    {".git", ".hg", ".svn", "node_modules", "bower_components", "vendor", "third_party", ".venv", "venv", "__pycache__", ".tox",
     ".nox", ".terraform", ".terragrunt-cache", "site-packages", ".mypy_cache", ".pytest_cache", ".ruff_cache", ".cache", ".idea"}
)  # fmt: skip
DOCUMENTS = (".md", ".markdown", ".mdx", ".mdown", ".txt")
# Files that hold none of our kinds whatever they say; anything else is opened and asked.
_OTHERS = frozenset(
    """.py .pyc .pyi .ipynb .js .mjs .cjs .jsx .ts .tsx .vue .svelte .go .rs .java .kt .kts .scala .rb .php .c .h .cc .cpp .hpp .cs .fs .swift .m
    .r .jl .lua .pl .pm .ex .exs .erl .hs .clj .dart .zig .sql .proto .graphql .css .scss .sass .less .html .htm .xml .svg .png .jpg .jpeg .gif
    .webp .ico .bmp .pdf .zip .gz .tgz .tar .bz2 .xz .7z .jar .war .whl .so .dll .dylib .exe .bin .o .a .class .woff .woff2 .ttf .eot .otf .mp3
    .mp4 .mov .avi .wav .csv .tsv .parquet .lock .sum .mod .map .min .snap .tf .tfvars .hcl .sh .bash .zsh .ps1 .bat .cmd .gradle .toml .ini
    .properties .cfg .rst .adoc .tex .log .patch .diff .pem .crt .key .sqlite .db .jsonnet .libsonnet .cue .rego .bzl .bazel .tpl .gotmpl
    .j2 .erb .mustache .jsonl .geojson .avro .pb .onnx .pt .npy .lst .sam .keep .gitkeep .editorconfig""".split()
)  # fmt: skip
_ALWAYS = re.compile(r"dockerfile|containerfile|nginx", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Unread:
    """A file that should have been judged and was not, with the reason."""

    path: str
    reason: str


@dataclass(slots=True)
class Found:
    """What a walk found: texts to classify, documents in prose, files that failed, and every path it saw."""

    texts: list[Source] = field(default_factory=list)
    prose: list[Source] = field(default_factory=list)
    unread: list[Unread] = field(default_factory=list)
    paths: set[str] = field(default_factory=set)
    skipped: int = 0
    walked: bool = False
    folders: set[str] = field(default_factory=set)


class NothingThere(Exception):
    """A path that was given does not exist: the path as given."""


def find(paths: Sequence[str | os.PathLike[str]], exclude: Sequence[str] = ()) -> Found:
    """Every file under the paths that may be ours, in order of path. Raises NothingThere."""
    found = Found()
    seen: set[tuple[int, int]] = set()
    for given in paths:
        path = Path(given)
        if not path.exists() and not path.is_symlink():
            raise NothingThere(str(given))
        if path.is_dir():
            found.walked = True
            found.folders.add(shown(path))
            rules = Ignores(exclude)
            rules.enter_parents(path)
            _walk(path, found, rules, seen, 0)
        else:
            _take(path, found, seen, named=True)
            _neighbours(path, found)
    found.texts.sort(key=lambda source: source.path)
    found.prose.sort(key=lambda source: source.path)
    return found


def shown(path: Path) -> str:
    """A path as reports print it: relative to the working directory where it can be, with `/`."""
    try:
        text = os.path.relpath(path)
    except ValueError:  # another drive
        text = str(path)
    return Path(text).as_posix()


class Ignores:
    """What `exclude` and the .gitignore files on the way leave out."""

    def __init__(self, exclude: Sequence[str]) -> None:
        self.exclude = tuple(exclude)
        self.specs: list[tuple[str, GitIgnoreSpec]] = []

    def enter_parents(self, folder: Path) -> None:
        """Read the .gitignore files above `folder`, up to the root of its repository."""
        chain = []
        here = folder.resolve()
        while True:
            if (here / ".git").exists():
                for one in reversed(chain):
                    self.enter(one)
                return
            if here.parent == here:
                return
            here = here.parent
            chain.append(here)

    def enter(self, folder: Path) -> bool:
        """Read the .gitignore of a folder; whether there was one."""
        file = folder / ".gitignore"
        if not file.is_file():
            return False
        from pathspec import GitIgnoreSpec

        try:
            lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
            self.specs.append((str(folder.resolve()), GitIgnoreSpec.from_lines(lines)))
        except (OSError, ValueError):
            return False
        return True

    def leave(self) -> None:
        """Forget the .gitignore read last."""
        self.specs.pop()

    def out(self, entry: os.DirEntry[str], folder: bool) -> bool:
        """Whether an entry is left out."""
        path = shown(Path(entry.path))
        if any(fnmatch.fnmatch(path, glob) or fnmatch.fnmatch(path + "/", glob) for glob in self.exclude):
            return True
        if not self.specs:
            return False
        absolute = os.path.realpath(os.path.dirname(entry.path)) + os.sep + entry.name  # noqa: PTH118, PTH120
        for root, spec in self.specs:
            if absolute.startswith(root + os.sep):
                local = absolute[len(root) + 1 :].replace(os.sep, "/")
                if spec.match_file(local + "/" if folder else local):
                    return True
        return False


def _walk(
    folder: Path, found: Found, ignores: Ignores, seen: set[tuple[int, int]], depth: int
) -> None:
    """One folder, its files and then its folders; links out of it are not followed."""
    try:
        with os.scandir(folder) as scan:
            entries = sorted(scan, key=lambda entry: entry.name)
    except OSError as error:
        found.unread.append(Unread(shown(folder), reason(error)))
        return
    if depth > MAX_DEPTH:
        found.unread.append(Unread(shown(folder), f"folders are nested over {MAX_DEPTH} deep"))
        return
    entered = ignores.enter(folder)
    for entry in entries:
        try:
            is_folder = entry.is_dir(follow_symlinks=False)
            link = entry.is_symlink()
        except OSError as error:
            found.unread.append(Unread(shown(Path(entry.path)), reason(error)))
            continue
        if link and not _inside(entry, folder):
            continue
        if (is_folder and entry.name in VENDORED) or ignores.out(entry, is_folder):
            continue
        if is_folder:
            _walk(Path(entry.path), found, ignores, seen, depth + 1)
        elif not link or Path(entry.path).is_file():
            _take(Path(entry.path), found, seen)
    if entered:
        ignores.leave()


def _inside(entry: os.DirEntry[str], folder: Path) -> bool:
    """Whether a link leads to a file of its own folder's tree: others are another tree's business, or a loop."""
    try:
        target = Path(entry.path).resolve(strict=True)
    except (OSError, RuntimeError):
        return False
    return target.is_file() and folder.resolve() in target.parents


def _neighbours(path: Path, found: Found) -> None:
    """The names beside a file that was given by itself: enough for `.dockerignore` and its like."""
    try:
        with os.scandir(path.parent) as scan:
            found.paths.update(shown(Path(entry.path)) for entry in scan)
    except OSError:
        return


def _take(path: Path, found: Found, seen: set[tuple[int, int]], *, named: bool = False) -> None:
    """One file: read it where it may be ours."""
    name = shown(path)
    found.paths.add(name)
    lower = path.name.lower()
    suffix = path.suffix.lower()
    if not named and suffix in _OTHERS and not _ALWAYS.search(lower):
        found.skipped += 1
        return
    try:
        status = path.stat()
        key = (status.st_dev, status.st_ino)
        if not stat.S_ISREG(status.st_mode):
            found.skipped += 1
            return
        if key in seen and status.st_ino:
            return
        seen.add(key)
        if status.st_size > MAX_BYTES:
            if named or suffix in {".yaml", ".yml", ".conf"} or _ALWAYS.search(lower):
                size = f"{status.st_size / 1048576:.1f} MiB"
                found.unread.append(Unread(name, f"{size} is over the limit of {MAX_BYTES // 1048576} MiB"))
            else:
                found.skipped += 1
            return
        data = path.read_bytes()
    except OSError as error:
        found.unread.append(Unread(name, reason(error)))
        return
    text = decode(data)
    if text is None:
        if named or suffix in {".yaml", ".yml", ".conf"} or _ALWAYS.search(lower):
            found.unread.append(Unread(name, "it is not text (UTF-8 or UTF-16 with a byte order mark)"))
        else:
            found.skipped += 1
        return
    (found.prose if suffix in DOCUMENTS else found.texts).append(Source(name, text))


def decode(data: bytes) -> str | None:
    """The text of a file: UTF-8, or UTF-16/32 where a byte order mark says so; None for anything else.

    A byte order mark is taken off: columns count what an editor shows.
    """
    marks: tuple[tuple[bytes, str], ...] = (
        (b"\xff\xfe\0\0", "utf-32"), (b"\0\0\xfe\xff", "utf-32"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"),
        (b"\xef\xbb\xbf", "utf-8-sig"),
    )  # fmt: skip
    encoding = next((name for mark, name in marks if data.startswith(mark)), "utf-8")
    if encoding == "utf-8" and b"\0" in data[:8192]:
        return None
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        return None


def reason(error: OSError) -> str:
    """What the system says, without the path, which may be absolute."""
    return (error.strerror or type(error).__name__).lower()


def blocks(document: Source) -> Iterator[tuple[Source, str]]:
    """(nested source, language) of every fenced block of a document; the first line may name the block's file."""
    from readiness.syntax.markdown import blocks as fenced

    for number, block in enumerate(fenced(document.text, line_starts(document.text)), start=1):
        name = named_in(block.text) or DEFAULT_NAMES.get(block.language, "")
        yield (
            Source(f"{document.path}#{number}/{name}", block.text, parent=document, starts=block.starts),
            block.language,
        )


DEFAULT_NAMES = {
    "yaml": "block.yaml",
    "yml": "block.yaml",
    "json": "block.json",
    "dockerfile": "Dockerfile",
    "docker": "Dockerfile",
    "containerfile": "Dockerfile",
    "nginx": "nginx.conf",
    "nginxconf": "nginx.conf",
    "conf": "nginx.conf",
    "": "block",
}
_NAMED = re.compile(r"\A\s*(?:#|//)\s*(?:file(?:name)?:\s*)?([\w./-]+)\s*$", re.MULTILINE)


def named_in(text: str) -> str:
    """The file name in a first-line comment, as prose often gives it (`# docker-compose.prod.yml`)."""
    found = _NAMED.match(text[:300])
    name = found.group(1) if found else ""
    return name if "." in name or name.lower().startswith("dockerfile") else ""



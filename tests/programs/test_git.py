"""Git: what a revision holds comes out as it was written, and nothing that a repository's settings name is run."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import readiness
from readiness import api
from readiness.programs import git as plumbing
from readiness.programs.git import GitError
from readiness.triage import revision
from tests.make import write_files

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs shell scripts and links")
POD = """\
apiVersion: v1
kind: Pod
metadata: {name: x}
spec:
  containers:
    - {name: x, image: 'x:1.0.0', securityContext: {privileged: true}}
"""
WEAK = "k8s/privileged"


def git(root: Path, *words: str, request: bytes = b"") -> str:
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false"]
    done = subprocess.run(["git", *identity, *words], cwd=root, check=True, capture_output=True, input=request)
    return os.fsdecode(done.stdout).strip()


def write(root: Path, **files: str | bytes) -> None:
    write_files(root, files)


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with one commit of `deploy/a.yaml` on main, as the working directory."""
    made = tmp_path / "root"
    write(made, **{"deploy/a.yaml": POD})
    git(made, "init", "-q", "-b", "main")
    commit(made)
    monkeypatch.chdir(made)
    return made


def commit(root: Path) -> None:
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "one")


def brought(**more: object) -> set[str]:
    report = readiness.check(["."], since="main", select=[WEAK, "core/unreadable"], **more)
    return {one.path for one in report.open}


@pytest.fixture
def evil(root: Path, tmp_path: Path) -> Path:
    """The repository with every setting that names a program naming one that leaves a marker; the marker's path."""
    marker = tmp_path / "ran"
    script = tmp_path / "evil.sh"
    script.write_text(f"#!/bin/sh\necho $0 $@ >> {marker}\ncat\n")
    script.chmod(0o755)
    settings = {
        "core.fsmonitor": script, "core.sshCommand": script, "core.pager": script, "core.editor": script,
        "core.askPass": script, "core.gitProxy": script, "core.hooksPath": root / ".git" / "evil",
        "core.alternateRefsCommand": script, "credential.helper": f"!{script}", "diff.external": script,
        "diff.evil.textconv": script, "diff.evil.command": script, "filter.evil.smudge": script,
        "filter.evil.clean": script, "filter.evil.process": script, "filter.evil.required": "true",
        "merge.evil.driver": script, "gpg.program": script, "uploadpack.packObjectsHook": script,
        "remote.origin.url": "ext::" + str(script), "remote.origin.promisor": "true",
        "remote.origin.uploadpack": script, "remote.origin.receivepack": script, "protocol.allow": "always",
        "protocol.ext.allow": "always", "protocol.file.allow": "always", "extensions.partialClone": "origin",
        "core.repositoryFormatVersion": "1", "tar.tar.command": script, "alias.rev-parse": f"!{script}",
        "alias.ls-tree": f"!{script}", "alias.cat-file": f"!{script}", "alias.merge-base": f"!{script}",
        "pager.rev-parse": script, "pager.cat-file": script, "interactive.diffFilter": script,
    }  # fmt: skip
    write(root, **{".gitattributes": "* filter=evil diff=evil merge=evil\n"})
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "attributes")
    git(root, "checkout", "-q", "-b", "topic")
    for name, value in settings.items():
        git(root, "config", name, str(value))
    for hook in (
        "post-checkout",
        "post-index-change",
        "reference-transaction",
        "fsmonitor-watchman",
    ):
        write(
            root,
            **{f".git/evil/{hook}": script.read_text(), f".git/hooks/{hook}": script.read_text()},
        )
        for folder in ("evil", "hooks"):
            (root / ".git" / folder / hook).chmod(0o755)
    return marker


def test_no_program_that_a_repository_names_is_run(root: Path, evil: Path) -> None:
    write(root, **{"deploy/b.yaml": POD.replace("{name: x}", "{name: y}")})
    assert brought() == {"deploy/b.yaml"}
    assert not evil.exists()


def test_the_settings_are_such_that_others_would_run_them(root: Path, evil: Path) -> None:
    subprocess.run(["git", "archive", "HEAD"], cwd=root, capture_output=True, check=False)
    assert evil.exists()
    evil.unlink()
    subprocess.run(["git", "status"], cwd=root, capture_output=True, check=False)
    assert evil.exists()


def test_large_file_storage_is_never_asked(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a user has git-lfs set up, and the tree's `.lfsconfig` says from where to fetch: pointers stay pointers."""
    marker, home = tmp_path / "fetched", tmp_path / "home"
    write(tmp_path, **{"bin/git-lfs": f"#!/bin/sh\necho $0 $@ >> {marker}\ncat\n"})
    (tmp_path / "bin" / "git-lfs").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:" + "0" * 64 + "\nsize 10\n"
    write(root, **{".lfsconfig": "[lfs]\n\turl = http://127.0.0.1:9/\n", ".gitattributes": "*.yaml filter=lfs diff=lfs\n", "big.yaml": pointer})
    commit(root)
    write(home, **{".gitconfig": '[filter "lfs"]\n\tsmudge = git-lfs smudge -- %f\n\tprocess = git-lfs filter-process\n\trequired = true\n'})
    monkeypatch.setenv("HOME", str(home))
    with revision.checkout_revision("main") as tree:
        assert (tree / "big.yaml").read_text() == pointer
    assert brought() == set()
    assert not marker.exists()
    subprocess.run(["git", "archive", "HEAD"], cwd=root, capture_output=True, check=False)
    assert marker.exists(), "others ask it"


def test_objects_that_are_missing_are_not_fetched(root: Path, evil: Path) -> None:
    name = git(root, "rev-parse", "HEAD:deploy/a.yaml")
    (root / ".git" / "objects" / name[:2] / name[2:]).unlink()
    with pytest.raises(api.USER_ERRORS, match="partial"):
        brought()
    assert not evil.exists()
    head = git(root, "rev-parse", "HEAD^{tree}")
    (root / ".git" / "objects" / head[:2] / head[2:]).unlink()
    with pytest.raises(api.USER_ERRORS, match="--since"):
        brought()
    assert not evil.exists()


def test_a_transport_is_refused_to_an_old_git_too(root: Path, evil: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a git without GIT_NO_LAZY_FETCH would do: the environment alone keeps it from calling one."""
    monkeypatch.delitem(plumbing._HARDENING_ENVIRONMENT, "GIT_NO_LAZY_FETCH")
    with pytest.raises(GitError):
        plumbing.run_git("ls-remote", "origin")
    name = git(root, "rev-parse", "HEAD:deploy/a.yaml")
    (root / ".git" / "objects" / name[:2] / name[2:]).unlink()
    with pytest.raises(api.USER_ERRORS):
        brought()
    assert not evil.exists()


def test_attributes_change_nothing(root: Path) -> None:
    """`export-ignore` left files out of an archive, `export-subst` and `eol` changed others: old findings looked new."""
    attributes = "deploy/** export-ignore\n*.yaml export-subst eol=crlf ident working-tree-encoding=UTF-16\n"
    write(root, **{".gitattributes": attributes, "sub.yaml": POD + "# $Format:%H$ $Id$\n"})
    subprocess.run(
        ["git", "-c", "core.attributesFile=/dev/null", "hash-object", "-w", "--no-filters", "sub.yaml"],
        check=True, capture_output=True,
    )  # fmt: skip
    blob = git(root, "hash-object", "-w", "--no-filters", "sub.yaml")
    git(root, "add", ".gitattributes")
    git(root, "update-index", "--add", "--cacheinfo", f"100644,{blob},sub.yaml")
    git(root, "commit", "-q", "-m", "attributes")
    assert brought() == set()
    with revision.checkout_revision("main") as tree:
        assert (tree / "sub.yaml").read_text() == POD + "# $Format:%H$ $Id$\n"


def test_a_folder_of_the_repository_is_compared_with_itself(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(root, **{"deploy/b.yaml": POD.replace("{name: x}", "{name: y}"), "new/c.yaml": POD})
    monkeypatch.chdir(root / "deploy")
    assert brought() == {"b.yaml"}
    monkeypatch.chdir(root / "new")  # a folder that was not there: all in it is new
    assert brought() == {"c.yaml"}


@pytest.mark.parametrize("name", ["[x]", "a*b", ":(top)x", "ä ö", "q'\"x", "-r"])
def test_folders_of_odd_names(root: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    write(root, **{f"{name}/a.yaml": POD, "other/a.yaml": POD})
    commit(root)
    monkeypatch.chdir(root / name)
    assert brought() == set()
    write(root, **{f"{name}/b.yaml": POD.replace("{name: x}", "{name: y}")})
    assert brought() == {"b.yaml"}


def test_links_lead_where_they_led_but_not_out(root: Path, tmp_path: Path) -> None:
    write(tmp_path, **{"secret.yaml": "token"})
    links = {
        "in.yaml": "deploy/a.yaml", "folder": "deploy", "deploy/up.yaml": "../deploy/a.yaml",
        "out.yaml": "../secret.yaml", "absolute.yaml": str(tmp_path / "secret.yaml"), "loop": "loop",
        "deep/er/d": "../../deploy", "deep/er/tricky": "d/../../secret.yaml", "chain": "out.yaml",
        "broken": "nothing", "top": "..", "home": "~/x",
    }  # fmt: skip
    for name, target in links.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).symlink_to(target)
    commit(root)
    with revision.checkout_revision("main") as tree:
        made = {name for name in links if (tree / name).is_symlink()}
        inside = tree.resolve()
        assert all(Path(os.path.realpath(tree / name)).is_relative_to(inside) for name in made)
        assert (tree / "in.yaml").read_text() == POD
        assert {"in.yaml", "folder", "deploy/up.yaml", "deep/er/d", "broken", "home"} <= made
        assert {"out.yaml", "absolute.yaml", "top", "deep/er/tricky"} & made == set()
    assert brought() == set()


def test_a_submodule_is_an_empty_folder(root: Path) -> None:
    head = git(root, "rev-parse", "HEAD")
    git(root, "update-index", "--add", "--cacheinfo", f"160000,{head},vendored/sub")
    git(root, "commit", "-q", "-m", "submodule")
    with revision.checkout_revision("main") as tree:
        assert list((tree / "vendored" / "sub").iterdir()) == []
    assert brought() == set()


def tree_of(root: Path, rows: list[tuple[str, str, str, str]]) -> str:
    listed = "".join(f"{mode} {kind} {name}\t{path}\0" for mode, kind, name, path in rows)
    return git(root, "mktree", "-z", "--missing", request=listed.encode())


def test_a_tree_that_no_folder_can_be(root: Path, tmp_path: Path) -> None:
    """Names that lead out, git's own folder, a file that is a folder too, and a link where a folder is."""
    blob = git(root, "hash-object", "-w", "deploy/a.yaml")
    out = git(root, "hash-object", "-w", "--stdin", request=str(tmp_path / "out").encode())
    (tmp_path / "out").mkdir()
    inner = tree_of(root, [("100644", "blob", blob, "a.yaml")])
    up = tree_of(root, [("040000", "tree", inner, "..")])
    top = tree_of(
        root,
        [
            ("040000", "tree", up, "d"), ("040000", "tree", inner, ".git"), ("040000", "tree", inner, ".GIT"),
            ("120000", "blob", out, "l"), ("100644", "blob", blob, "a.yaml"), ("100644", "blob", blob, "x" * 300),
        ],
    )  # fmt: skip
    listed = git(root, "ls-tree", "-z", top).split("\0")
    twice = "".join(f"{row}\0" for row in (f"040000 tree {inner}\tl", *listed) if row)
    top = git(root, "mktree", "-z", request=twice.encode())
    git(root, "update-ref", "HEAD", git(root, "commit-tree", "-m", "odd", top))
    with revision.checkout_revision("HEAD") as tree:
        files = {str(one.relative_to(tree)) for one in tree.rglob("*") if one.is_file()}
        assert files == {"a.yaml", "l/a.yaml"}
    assert list((tmp_path / "out").iterdir()) == []


def test_a_file_over_the_limit_is_over_it_on_both_sides(root: Path) -> None:
    with (root / "big.yaml").open("wb") as file:
        file.truncate(11 << 20)
    commit(root)
    assert brought() == set()
    with revision.checkout_revision("main") as tree:
        status = (tree / "big.yaml").stat()
        assert status.st_size > revision.MAX_BYTES_PER_FILE
        assert status.st_blocks < 100  # it holds nothing


def test_a_tree_over_the_limit_is_told(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(revision, "MAX_TREE_BYTES", 10)
    with pytest.raises(api.USER_ERRORS, match="over the limit"):
        brought()


def test_a_tree_of_trees_without_end_is_told(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blob = git(root, "hash-object", "-w", "deploy/a.yaml")
    top = tree_of(root, [("100644", "blob", blob, "a.yaml")])
    for _ in range(12):  # 10^12 files
        top = tree_of(root, [("040000", "tree", top, f"d{n}") for n in range(10)])
    git(root, "update-ref", "HEAD", git(root, "commit-tree", "-m", "bomb", top))
    monkeypatch.setattr(plumbing, "MAX_GIT_OUTPUT_BYTES", 1 << 20)
    with pytest.raises(api.USER_ERRORS, match="output is over 1 MiB"):
        brought()


def test_batches_hold_every_file(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plumbing, "MAX_BLOB_BATCH_BYTES", 500)
    files = {f"f{n:02}.yaml": POD + "#" * n for n in range(40)} | {"empty": "", "zero": b"\0\n\xff"}
    write(root, **files)
    commit(root)
    with revision.checkout_revision("main") as tree:
        for name, text in files.items():
            assert (tree / name).read_bytes() == (text.encode() if isinstance(text, str) else text)


REFUSED = {
    "nowhere": "is no commit of this repository",
    "--output=x": "is no revision",
    "main:deploy": "is no commit of this repository",
    "HEAD:deploy/a.yaml": "is no commit of this repository",
}


@pytest.mark.parametrize(("ref", "words"), REFUSED.items(), ids=lambda text: text or "nothing")
def test_what_is_no_revision_is_refused(root: Path, ref: str, words: str) -> None:
    with pytest.raises(api.USER_ERRORS, match=words):
        readiness.check(["."], since=ref)


def test_histories_that_never_met(root: Path) -> None:
    git(root, "checkout", "-q", "--orphan", "other")
    git(root, "commit", "-q", "-m", "other")
    with pytest.raises(api.USER_ERRORS, match="fetch more of the history"):
        readiness.check(["."], since="main")


def test_without_a_repository_or_without_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, **{"a.yaml": POD})
    monkeypatch.chdir(tmp_path)
    with pytest.raises(api.USER_ERRORS, match="not a git repository"):
        readiness.check(["."], since="main")
    git(tmp_path, "init", "-q")
    with pytest.raises(api.USER_ERRORS, match="no commit yet"):
        readiness.check(["."], since="main")
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(api.USER_ERRORS, match="git is not installed"):
        readiness.check(["."], since="main")


def test_a_repository_of_somebody_else_is_refused_until_the_user_trusts_it(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give a folder to somebody else")
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    for path in (root, root / ".git"):
        os.chown(path, 12345, 12345)
    with pytest.raises(api.USER_ERRORS, match="dubious ownership"):
        brought()
    (home / ".gitconfig").write_text(f"[safe]\n\tdirectory = {root}\n")
    assert brought() == set()


def test_a_repository_of_the_environment_is_the_one_that_is_meant(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a hook, where git says which repository it is."""
    (root / ".git").rename(tmp_path / "elsewhere")
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("GIT_WORK_TREE", str(root))
    assert brought() == set()


def test_a_worktree_and_packed_objects(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    git(root, "gc", "-q")
    git(root, "worktree", "add", "-q", "-b", "topic", str(tmp_path / "there"))
    monkeypatch.chdir(tmp_path / "there")
    write(tmp_path / "there", **{"b.yaml": POD.replace("{name: x}", "{name: y}")})
    assert brought() == {"b.yaml"}


def test_words_of_git_reach_no_terminal_raw() -> None:
    assert plumbing._first_error_line("fatal: \x1b[31mred\x07 \u202e\nsecond") == "fatal: ?[31mred? ?"

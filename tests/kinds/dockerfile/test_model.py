from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from readiness.kinds import dockerfile as kind
from readiness.kinds.dockerfile.model import Document
from readiness.kinds.purpose import dockerfile_purpose
from readiness.model import ParseError, Source


def document(text: str) -> Document:
    return kind.parse(Source("Dockerfile", text, kind="dockerfile"))


@pytest.mark.parametrize(
    ("path", "text", "expected"),
    [
        ("Dockerfile", "anything", True),
        ("a/b/Dockerfile.dev", "FROM x", True),
        ("web.Dockerfile", "FROM x", True),
        ("prod.dockerfile", "RUN x", True),
        ("Containerfile", "FROM x", True),
        ("Dockerfile-alpine", "FROM x", True),
        ("Dockerfile.dockerignore", ".git", False),
        ("Dockerfile.md", "FROM x\nRUN y\n", False),
        ("dockerfile_lint.py", "FROM x", False),
        ("notes.txt", "FROM now on\nRUN away\n", False),
        ("notes.txt", "FROM node:22\n", False),
        ("build.txt", "# a build\nARG V=1\nFROM node:$V AS b\nRUN make\n", True),
        ("doc.md#3/block", 'RUN make\nCMD ["x"]\n', True),
        ("doc.md#3/block", "RUN make\nthen go on\n", False),
        ("Dockerfile", "  \n", False),
    ],
)
def test_claims(path: str, text: str, expected: bool) -> None:
    assert kind.recognizes_file(path, text) is expected


ROLES = {
    "ports": ("FROM x/y\nEXPOSE 80\n", "server"),
    "ports below": ("FROM alpine AS a\nEXPOSE 80\nFROM a\nCMD x\n", "server"),
    "a base that serves": ("FROM nginx:1\nCOPY a /\n", "server"),
    "a command": ('FROM debian:13\nCMD ["x"]\n', "program"),
    "an unknown base": ("FROM example.com/x:1\nCOPY a /\n", "program"),
    "a base from a variable": ("ARG B\nFROM $B\nCOPY a /\n", "program"),
    "a system": ("FROM docker.io/library/debian:13\nRUN make\n", "base"),
    "nothing": ("FROM scratch\nCOPY a /\n", "base"),
    "no FROM": ("RUN make\n", "program"),
    "a shell": ('FROM x/y\nCMD ["/bin/bash"]\n', "base"),
    "a shell that runs something": ('FROM x/y\nCMD ["sh", "run.sh"]\n', "program"),
    "waiting": ("FROM node:22\nCMD sleep infinity\n", "base"),
    "tests": ('FROM python:3\nCMD ["tox"]\n', "base"),
    "tests by a builder": ("FROM rust:1\nENTRYPOINT cargo test\n", "base"),
}


@pytest.mark.parametrize(("text", "role"), ROLES.values(), ids=ROLES)
def test_roles(text: str, role: str) -> None:
    assert document(text).stages[-1].role == role


PURPOSES = {
    "Dockerfile": "unknown",
    "build/Dockerfile": "unknown",
    "docker/local/Dockerfile": "unknown",
    "Dockerfile.prod": "prod",
    "tests/Dockerfile.prod": "prod",
    "Dockerfile.dev": "dev",
    "Dockerfile_build_ubuntu": "build",
    "builder.dockerfile": "build",
    ".devcontainer/Dockerfile": "dev",
    ".gitpod.Dockerfile": "dev",
    ".github/Dockerfile": "test",
    "unit-tests/x/Dockerfile": "test",
    "contest/Dockerfile": "unknown",
    "docker/ubuntu-ci/Dockerfile": "test",
    "jenkins/Dockerfile": "unknown",
    "images/gitlab/Dockerfile": "unknown",
    ".circleci/Dockerfile": "test",
    "attestation/Dockerfile": "unknown",
    "scripts/crossbuild/debian/Dockerfile": "build",
    "guide.md#2/Dockerfile.test": "test",
    "tests/guide.md#2/Dockerfile": "unknown",
}


@pytest.mark.parametrize(("path", "purpose"), PURPOSES.items())
def test_purposes(path: str, purpose: str) -> None:
    assert dockerfile_purpose(path) == purpose


def test_stages_inherit() -> None:
    found = document(
        'ARG V=1.2\nFROM node:$V AS Base\nUSER app\nENV A=1\nSHELL ["/bin/bash", "-c"]\n'
        "FROM base AS run\nWORKDIR /x\nFROM scratch\nCOPY --from=run /a /a\n"
    )
    base, run, last = found.stages
    assert base.image.text == "node:1.2"
    assert run.base_stage is base
    assert run.get("USER") == "app"
    assert found.source.text[slice(*run.at("USER"))] == "app"
    assert run.shell_program(10_000) == "bash"
    assert run.variable_value("A", 10_000) == "1"
    assert last.final
    assert last.scratch
    assert last.get("USER") is None
    assert [stage.resource for stage in found.stages] == ["stage/base", "stage/run", "stage/2"]
    assert found.stage_by_name("RUN") is run
    assert found.stage_by_name("0") is base


def test_scopes_of_variables() -> None:
    found = document("ARG G=global\nARG N\nFROM node\nARG G\nARG L=local\nENV L=env E=$L\nARG L=other\nRUN x\n")
    (stage,) = found.stages
    at = found.source.text.index("RUN")
    assert stage.variable_value("G", at) == "global"
    assert stage.variable_value("L", at) == "env"
    assert stage.variable_value("E", at) == "local"
    assert stage.variable_value("HOME", at) is None
    assert stage.variable_value("L", 0) is None
    assert stage.expand_word("${X:-y}/$L", at) is None
    assert stage.expand_word("'$L'$L", at) == "$Lenv"


def test_nothing_but_path_is_set_in_plain_bases() -> None:
    (stage,) = document("FROM alpine:3.22\nRUN x\n").stages
    assert stage.variable_value("X", 100) == ""
    assert stage.variable_value("PATH", 100) is None
    assert stage.variable_value("TARGETARCH", 100) is None


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("${V#v}", "1.2.3"),
        ("${V#*.}", "2.3"),
        ("${V##*.}", "3"),
        ("${V%.*}", "v1.2"),
        ("${V%%.*}", "v1"),
        ("${V/./_}", "v1_2.3"),
        ("${V//./_}", "v1_2_3"),
        ("${V/$D/_}", "v1_2.3"),
        ("${V#x}", "v1.2.3"),
        ("${V/*/_}", None),
        ("${V#[a-z]}", None),
        ("${V#$UNSEEN}", None),
        ("${V:-x}", "v1.2.3"),
        ("${EMPTY:-x}", "x"),
        ("${V:+x}", "x"),
        ("${V^}", None),
    ],
)
def test_modifiers_of_variables(word: str, expected: str | None) -> None:
    (stage,) = document("FROM node\nENV V=v1.2.3 D=. EMPTY=\nRUN x\n").stages
    assert stage.expand_word(word, 1000) == expected


def test_what_stands_under_onbuild_runs_in_the_stage_above() -> None:
    found = document("FROM a AS b\nONBUILD USER app\nFROM b AS c\nFROM c\nUSER other\nFROM b\nUSER last\n")
    first, second, third, fourth = found.stages
    assert first.get("USER") is None
    assert second.get("USER") == "app"
    assert (third.get("USER"), fourth.get("USER")) == ("other", "last")


def test_an_entrypoint_resets_the_command_of_the_base() -> None:
    found = document('FROM a AS b\nCMD ["x"]\nFROM b AS c\nENTRYPOINT ["y"]\nFROM c\nCMD ["z"]\n')
    assert [stage.get("CMD") for stage in found.stages] == ['["x"]', None, '["z"]']
    assert found.stages[2].get("ENTRYPOINT") == '["y"]'


def test_doubling_variables_have_an_end() -> None:
    lines = "".join(f"ENV A{n + 1}=$A{n}$A{n}$A{n}$A{n}\n" for n in range(40))
    found = document("FROM scratch\nENV A0=xxxxxxxx\n" + lines)
    assert found.stages[0].variable_value("A40", 100_000) is None


def test_commands_of_all_forms() -> None:
    text = (
        'FROM debian\nRUN a && b\nRUN ["c", "d"]\nRUN ["sh", "-c", "e; f"]\nRUN <<EOF\ng\nh\nEOF\n'
        "RUN bash <<EOF\ni\nEOF\nRUN python3 <<EOF\nimport j\nEOF\nONBUILD RUN k\n"
        'SHELL ["pwsh", "-c"]\nRUN Get-Process | Sort\n'
    )
    names = [one.program for one in kind.commands(document(text))]
    assert names == ["a", "b", "c", "sh", "e", "f", "g", "h", "bash", "i", "python3", "k"]


def test_a_piece_without_from() -> None:
    found = document("USER app\nRUN make\n")
    (stage,) = found.stages
    assert not stage.whole
    assert stage.final
    assert stage.get("USER") == "app"


def test_instructions_before_from_belong_to_no_stage() -> None:
    found = document('SHELL ["/bin/bash", "-c"]\nFROM debian\nRUN x\n')
    assert [step.stage.index for step in found.steps] == [-1, 0, 0]
    assert found.stages[0].shell_program(1000) == "sh"


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            "FROM a\n|FROM a AS b\n|FROM b AS b\n|RUN x $Y && z\n|ARG A=$A\n|ENV A=$B\n|USER $A\n"
            "|COPY --from=b $A /\n|ONBUILD RUN x\n|SHELL []\n|CMD []\n|HEALTHCHECK CMD\n|WORKDIR\n"
            '|HEALTHCHECK CMD []\n|RUN <<E\n|E\n|FROM\n|ENTRYPOINT ["sh", "-c"]\n|EXPOSE ${A\n'
            "|FROM ${A:-${A}}\n|LABEL =\n".split("|")
        ),
        max_size=12,
    ).map("".join)
)
def test_any_file(text: str) -> None:
    try:
        found = document(text)
    except ParseError:
        return
    for target in kind.TARGETS.values():
        for subject in target(found):
            assert subject.resource is not None
            assert 0 <= subject.node.at().start <= len(text)
    for stage in found.stages:
        stage.get("USER")
        stage.at("CMD")
        assert len(list(stage.base_chain)) <= len(found.stages)

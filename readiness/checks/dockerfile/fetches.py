"""Checks of what a build fetches: whether two builds get the same, and whether anything compares it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from readiness.checks.dockerfile.downloads import FETCHERS, fetched_url, script_piped_to_shell
from readiness.checks.dockerfile.packages import run_text
from readiness.facts.moving import moves_as
from readiness.facts.wrappers import unwrapped
from readiness.kinds.dockerfile.model import Step
from readiness.model import Outcome, hit, marked_spans
from readiness.syntax import shell
from readiness.syntax.holes import has_variable

_CHECKS = re.compile(
    r"\b(?:sha(?:1|224|256|384|512)?sum|shasum|md5sum|b2sum|gpg|gpgv|cosign|minisign|openssl dgst"
    r"|rhash|signify|--checksum|digest|apt-key|signed-by)\b"
)
_PROGRAM = re.compile(r"\.(?:tar|tar\.\w+|tgz|zip|deb|rpm|apk|sh|run|jar|whl|bin|AppImage|gz|xz)\Z")
_BIN = re.compile(r"(?:/usr(?:/local)?|/opt(?:/[\w.-]+)?)?/s?bin/[\w.$\{\}-]*\Z")
_KEY = re.compile(r"\.(?:gpg|asc|key|pem|crt|pub|list|repo)\Z")


def _unverified_fetches(step: Step) -> Iterator[tuple[shell.Command, shell.Word]]:
    """The fetches of a RUN that nothing compares and that no shell runs at once, with their addresses."""
    if step.keyword != "RUN" or _CHECKS.search(step.instruction.body.text):
        return
    piped = marked_spans(script_piped_to_shell(step))
    for command in step.script.commands:
        invocation = unwrapped(command)
        if invocation.program not in FETCHERS:
            continue
        if any(span.start <= command.span.start < span.end for span in piped):
            continue
        for word in invocation.words:
            if re.match(r"https?://", word.value):
                yield invocation, word


def download_unverified(step: Step) -> Outcome:
    """A program or an archive is fetched and nothing compares it with a known sum or signature.

    A script that runs at once is left to `script_piped`.
    """
    for command, word in _unverified_fetches(step):
        if _PROGRAM.search(word.value.partition("?")[0]) or _becomes_program(step, command):
            yield hit(word.span, url=fetched_url(command))
            return


def _becomes_program(step: Step, fetch: shell.Command) -> bool:
    """Whether what is fetched becomes a program: by its folder, by chmod, or as it is run, in the same RUN."""
    output = _output_file(fetch)
    if _BIN.search(output):
        return True
    name = output.rpartition("/")[2]
    for command in map(unwrapped, step.script.commands) if name else ():
        words = [value.rpartition("/")[2] for value in command.values]
        if (
            command.program == "chmod"
            and name in words
            and re.search(r"x|[157]", command.values[0])
        ):
            return True
        if command.program in shell.SHELLS and name in words:
            return True
        if "/" in command.name and command.program == name:
            return True
    return False


def _output_file(fetch: shell.Command) -> str:
    """The file that a fetch writes; empty where it writes none, or none that is known."""
    curl = fetch.program == "curl"
    output = fetch.option(*(("-o", "--output") if curl else ("-O", "--output-document")))
    if output is not None:
        return output
    redirected = [r.target.value for r in fetch.redirects if r.operator == ">" and r.target]
    if redirected:
        return redirected[0]
    if curl and not fetch.has("-O", "--remote-name", valued="oHdAeuXx"):
        return ""
    address = next((v for v in fetch.values if re.match(r"https?://", v)), "")
    return address.partition("?")[0].rpartition("/")[2]


def download_moving(step: Step) -> Outcome:
    """A fetch or a clone of what its publisher moves: the latest release, a branch."""
    for command, word in _unverified_fetches(step):
        address = word.value.partition("?")[0]
        if (
            _is_moving_path(address.split("/")[3:])
            and not _KEY.search(address)
            and "localhost" not in address
        ):
            yield hit(word.span, what=fetched_url(command))
            return
    for command in step.script.commands if step.keyword == "RUN" else ():
        invocation = unwrapped(command)
        if (
            invocation.program == "git"
            and invocation.values[:1] == ("clone",)
            and _clones_branch(step, invocation)
        ):
            yield hit(invocation.span, what="git clone")
            return


def _is_moving_path(parts: list[str]) -> bool:
    """Whether a path names a branch or the latest release, before any version in it."""
    for part in parts:
        if has_variable(part) or _VERSION.search(part):
            return False
        if moves_as("address", part):
            return True
    return False


_VERSION = re.compile(r"\d\.\d|\Av\d|\A[0-9a-f]{7,64}\Z")
_CHOOSES = re.compile(r"\bgit\b[^\n;&|]{0,300}\b(?:checkout|reset|switch|fetch|submodule)\b")


def _clones_branch(step: Step, clone: shell.Command) -> bool:
    """Whether a clone takes the newest commit of a branch of another project."""
    if not any("://" in value or value.startswith("git@") for value in clone.values):
        return False
    ref = clone.option("-b", "--branch", "--revision")
    if ref is not None:
        return moves_as("address", ref)
    return not _CHOOSES.search(run_text(step.stage)) and all(word.known for word in clone.words)

"""Checks of what a build fetches: whether two builds get the same, and whether anything compares it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from readiness.checks.dockerfile.downloads import FETCHERS, fetched_url, script_piped_to_shell
from readiness.checks.dockerfile.packages import run_text
from readiness.facts.moving import moves_as
from readiness.facts.wrappers import unwrap_command
from readiness.kinds.dockerfile.model import Step
from readiness.model import CheckOutcome, hit, spans_of_hits
from readiness.syntax import shell
from readiness.syntax.holes import has_variable

_VERIFICATION_PROGRAM = re.compile(
    r"\b(?:sha(?:1|224|256|384|512)?sum|shasum|md5sum|b2sum|gpg|gpgv|cosign|minisign|openssl dgst"
    r"|rhash|signify|--checksum|digest|apt-key|signed-by)\b"
)
_PROGRAM_FILE_SUFFIX = re.compile(r"\.(?:tar|tar\.\w+|tgz|zip|deb|rpm|apk|sh|run|jar|whl|bin|AppImage|gz|xz)\Z")
_BIN_FOLDER_PATH = re.compile(r"(?:/usr(?:/local)?|/opt(?:/[\w.-]+)?)?/s?bin/[\w.$\{\}-]*\Z")
_KEY_FILE_SUFFIX = re.compile(r"\.(?:gpg|asc|key|pem|crt|pub|list|repo)\Z")


def _unverified_fetches(step: Step) -> Iterator[tuple[shell.SimpleCommand, shell.ShellWord]]:
    """The fetches of a RUN that nothing compares and that no shell runs at once, with their addresses."""
    if step.keyword != "RUN" or _VERIFICATION_PROGRAM.search(step.instruction.arguments_text.text):
        return
    piped = spans_of_hits(script_piped_to_shell(step))
    for command in step.script.commands:
        invocation = unwrap_command(command)
        if invocation.program not in FETCHERS:
            continue
        if any(span.start <= command.span.start < span.end for span in piped):
            continue
        for word in invocation.words:
            if re.match(r"https?://", word.value):
                yield invocation, word


def download_unverified(step: Step) -> CheckOutcome:
    """A program or an archive is fetched and nothing compares it with a known sum or signature.

    A script that runs at once is left to `script_piped_to_shell`.
    """
    for command, word in _unverified_fetches(step):
        if _PROGRAM_FILE_SUFFIX.search(word.value.partition("?")[0]) or _fetched_file_is_executed(step, command):
            yield hit(word.span, url=fetched_url(command))
            return


def _fetched_file_is_executed(step: Step, fetch: shell.SimpleCommand) -> bool:
    """Whether what is fetched becomes a program: by its folder, by chmod, or as it is run, in the same RUN."""
    output = _output_file(fetch)
    if _BIN_FOLDER_PATH.search(output):
        return True
    name = output.rpartition("/")[2]
    for command in map(unwrap_command, step.script.commands) if name else ():
        words = [value.rpartition("/")[2] for value in command.unquoted_words]
        if command.program == "chmod" and name in words and re.search(r"x|[157]", command.unquoted_words[0]):
            return True
        if command.program in shell.SHELL_PROGRAMS and name in words:
            return True
        if "/" in command.name and command.program == name:
            return True
    return False


def _output_file(fetch: shell.SimpleCommand) -> str:
    """The file that a fetch writes; empty where it writes none, or none that is known."""
    curl = fetch.program == "curl"
    output = fetch.option_value(*(("-o", "--output") if curl else ("-O", "--output-document")))
    if output is not None:
        return output
    redirected = [r.target_word.value for r in fetch.redirects if r.operator == ">" and r.target_word]
    if redirected:
        return redirected[0]
    if curl and not fetch.has_option("-O", "--remote-name", options_with_value="oHdAeuXx"):
        return ""
    address = next((v for v in fetch.unquoted_words if re.match(r"https?://", v)), "")
    return address.partition("?")[0].rpartition("/")[2]


def download_moving(step: Step) -> CheckOutcome:
    """A fetch or a clone of what its publisher moves: the latest release, a branch."""
    for command, word in _unverified_fetches(step):
        address = word.value.partition("?")[0]
        if _is_moving_path(address.split("/")[3:]) and not _KEY_FILE_SUFFIX.search(address) and "localhost" not in address:
            yield hit(word.span, what=fetched_url(command))
            return
    for command in step.script.commands if step.keyword == "RUN" else ():
        invocation = unwrap_command(command)
        if invocation.program == "git" and invocation.unquoted_words[:1] == ("clone",) and _clones_branch(step, invocation):
            yield hit(invocation.span, what="git clone")
            return


def _is_moving_path(path_parts: list[str]) -> bool:
    """Whether a path names a branch or the latest release, before any version in it."""
    for part in path_parts:
        if has_variable(part) or _VERSION_PART.search(part):
            return False
        if moves_as("address", part):
            return True
    return False


_VERSION_PART = re.compile(r"\d\.\d|\Av\d|\A[0-9a-f]{7,64}\Z")
_GIT_REF_CHOICE = re.compile(r"\bgit\b[^\n;&|]{0,300}\b(?:checkout|reset|switch|fetch|submodule)\b")


def _clones_branch(step: Step, clone: shell.SimpleCommand) -> bool:
    """Whether a clone takes the newest commit of a branch of another project."""
    if not any("://" in value or value.startswith("git@") for value in clone.unquoted_words):
        return False
    ref = clone.option_value("-b", "--branch", "--revision")
    if ref is not None:
        return moves_as("address", ref)
    return not _GIT_REF_CHOICE.search(run_text(step.stage)) and all(word.is_fully_known for word in clone.words)

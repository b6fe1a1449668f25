"""Checks of what a build fetches: whether two builds get the same, and whether anything compares it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from readiness.checks.dockerfile.downloads import FETCH_PROGRAMS, redacted_fetch_url, script_piped_to_shell
from readiness.checks.dockerfile.packages import run_text
from readiness.facts.moving import is_moving_name_of_kind
from readiness.facts.wrappers import unwrap_command
from readiness.kinds.dockerfile.model import Step
from readiness.model import CheckOutcome, hit, spans_of_hits
from readiness.model.lazy_regex import lazy_regex
from readiness.syntax import shell
from readiness.syntax.holes import has_variable_sign

_VERIFICATION_COMMAND_PATTERN = lazy_regex(
    r"\b(?:sha(?:1|224|256|384|512)?sum|shasum|md5sum|b2sum|gpg|gpgv|cosign|minisign|openssl dgst"
    r"|rhash|signify|--checksum|digest|apt-key|signed-by)\b"
)
_PROGRAM_FILE_SUFFIX = lazy_regex(r"\.(?:tar|tar\.\w+|tgz|zip|deb|rpm|apk|sh|run|jar|whl|bin|AppImage|gz|xz)\Z")
_BIN_FOLDER_PATH = lazy_regex(r"(?:/usr(?:/local)?|/opt(?:/[\w.-]+)?)?/s?bin/[\w.$\{\}-]*\Z")
_KEY_FILE_SUFFIX = lazy_regex(r"\.(?:gpg|asc|key|pem|crt|pub|list|repo)\Z")


def _unverified_fetches_and_urls(step: Step) -> Iterator[tuple[shell.SimpleCommand, shell.ShellWord]]:
    """The fetches of a RUN that nothing compares and that no shell runs at once, with their addresses."""
    if step.keyword != "RUN" or _VERIFICATION_COMMAND_PATTERN.search(step.instruction.arguments_text.text):
        return
    piped_script_spans = spans_of_hits(script_piped_to_shell(step))
    for command in step.script.commands:
        invocation = unwrap_command(command)
        if invocation.program not in FETCH_PROGRAMS:
            continue
        if any(span.start <= command.span.start < span.end for span in piped_script_spans):
            continue
        for url_word in invocation.words:
            if re.match(r"https?://", url_word.value):
                yield invocation, url_word


def download_unverified(step: Step) -> CheckOutcome:
    """A program or an archive is fetched and nothing compares it with a known sum or signature.

    A script that runs at once is left to `script_piped_to_shell`.
    """
    executed_file_names: set[str] | None = None
    for fetch_command, url_word in _unverified_fetches_and_urls(step):
        executed_file_names = _executed_file_names(step) if executed_file_names is None else executed_file_names
        if _PROGRAM_FILE_SUFFIX.search(url_word.value.partition("?")[0]) or _is_fetched_file_executed(fetch_command, executed_file_names):
            yield hit(url_word.span, url=redacted_fetch_url(fetch_command))
            return


def _is_fetched_file_executed(fetch_command: shell.SimpleCommand, executed_file_names: set[str]) -> bool:
    """Whether what is fetched becomes a program: by its folder, by chmod, or as it is run, in the same RUN."""
    output_path = _output_file_of_fetch(fetch_command)
    if _BIN_FOLDER_PATH.search(output_path):
        return True
    file_name = output_path.rpartition("/")[2]
    return bool(file_name) and file_name in executed_file_names


def _executed_file_names(step: Step) -> set[str]:
    """The names of the files that a RUN makes executable, gives to a shell or runs."""
    executed_names: set[str] = set()
    for command in map(unwrap_command, step.script.commands):
        words = command.unquoted_words
        if (command.program == "chmod" and words and re.search(r"x|[157]", words[0])) or command.program in shell.SHELL_PROGRAMS:
            executed_names |= {value.rpartition("/")[2] for value in words}
        if "/" in command.name:
            executed_names.add(command.program)
    return executed_names


def _output_file_of_fetch(fetch_command: shell.SimpleCommand) -> str:
    """The file that a fetch writes; empty where it writes none, or none that is known."""
    is_curl = fetch_command.program == "curl"
    output_option = fetch_command.option_value(*(("-o", "--output") if is_curl else ("-O", "--output-document")))
    if output_option is not None:
        return output_option
    redirection_targets = [r.target_word.value for r in fetch_command.redirects if r.operator == ">" and r.target_word]
    if redirection_targets:
        return redirection_targets[0]
    if is_curl and not fetch_command.has_option("-O", "--remote-name", options_with_value="oHdAeuXx"):
        return ""
    fetched_address = next((v for v in fetch_command.unquoted_words if re.match(r"https?://", v)), "")
    return fetched_address.partition("?")[0].rpartition("/")[2]


def download_moving(step: Step) -> CheckOutcome:
    """A fetch or a clone of what its publisher moves: the latest release, a branch."""
    for command, url_word in _unverified_fetches_and_urls(step):
        url_without_query = url_word.value.partition("?")[0]
        if (
            _is_url_path_of_moving_ref(url_without_query.split("/")[3:])
            and not _KEY_FILE_SUFFIX.search(url_without_query)
            and "localhost" not in url_without_query
        ):
            yield hit(url_word.span, what=redacted_fetch_url(command))
            return
    for command in step.script.commands if step.keyword == "RUN" else ():
        invocation = unwrap_command(command)
        if invocation.program == "git" and invocation.unquoted_words[:1] == ("clone",) and _clones_moving_branch(step, invocation):
            yield hit(invocation.span, what="git clone")
            return


def _is_url_path_of_moving_ref(path_parts: list[str]) -> bool:
    """Whether a path names a branch or the latest release, before any version in it."""
    for path_part in path_parts:
        if has_variable_sign(path_part) or _VERSION_IN_PATH_PART.search(path_part):
            return False
        if is_moving_name_of_kind("address", path_part):
            return True
    return False


_VERSION_IN_PATH_PART = lazy_regex(r"\d\.\d|\Av\d|\A[0-9a-f]{7,64}\Z")
_GIT_REF_CHANGE_COMMAND = lazy_regex(r"\bgit\b[^\n;&|]{0,300}\b(?:checkout|reset|switch|fetch|submodule)\b")


def _clones_moving_branch(step: Step, clone_command: shell.SimpleCommand) -> bool:
    """Whether a clone takes the newest commit of a branch of another project."""
    if not any("://" in value or value.startswith("git@") for value in clone_command.unquoted_words):
        return False
    ref_option = clone_command.option_value("-b", "--branch", "--revision")
    if ref_option is not None:
        return is_moving_name_of_kind("address", ref_option)
    return not _GIT_REF_CHANGE_COMMAND.search(run_text(step.stage)) and all(word.is_fully_known for word in clone_command.words)

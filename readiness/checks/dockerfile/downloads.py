"""Checks of what a build fetches and whom it trusts: certificates, signatures, checksums."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from readiness.checks.dockerfile.packages import run_text
from readiness.facts import packages
from readiness.facts.programs import program_property
from readiness.facts.table import fact_column
from readiness.facts.wrappers import unwrap_command
from readiness.kinds.dockerfile.model import Command, Stage, Step
from readiness.model import CheckOutcome, Span, hit
from readiness.syntax import shell

# Short options that take a value, so that `-okernel` holds no `-k`.
_SHORT_OPTIONS_WITH_VALUE = {"curl": "AbcCdDeEFhHKmoPQrtTuUwxXyYz"}
_FALSE_TEXTS = ("0", "false", "no", "off")


def insecure_option(command: Command, *, options: Mapping[str, Sequence[str]]) -> CheckOutcome:
    """A program gets an option that turns a check off; `options` names them per program."""
    invocation = command.command
    if invocation.program in ("echo", "printf") and "apt-get" in options:
        for source in (each for each in invocation.words if _UNSIGNED_SOURCE.match(each.value)):
            yield hit(source.span, option="[trusted=yes]", program="apt-get")
        return
    wanted = options.get(invocation.program)
    call = packages.package_call(command.command_with_wrapper)
    if wanted is None and call is not None and call.manager.name == "pip":
        wanted = options.get("pip")
    valued = _SHORT_OPTIONS_WITH_VALUE.get(invocation.program, "")
    word = invocation.find_option_word(*wanted, options_with_value=valued) if wanted else None
    if word is None and wanted and "--allow-unauthenticated" in wanted:
        word = next((each for each in invocation.words if _APT_UNSIGNED.search(each.value)), None)
    if word is not None and not (call is not None and _only_local_packages(command, call)):
        yield hit(word.span, option=word.value.partition("=")[0], program=invocation.program)


_UNSIGNED_SOURCE = re.compile(r"deb(?:-src)? \[[^\]]*\btrusted=(?:yes|true|1)\b")
_APT_UNSIGNED = re.compile(
    r"(?:APT::Get::AllowUnauthenticated|Acquire::AllowInsecureRepositories)=(?:true|yes|1|on)\Z",
    re.IGNORECASE,
)
_PACKAGE_FILE = re.compile(r"\.{0,2}/|[^:]*\.(?:apk|deb|rpm)\Z")


def _only_local_packages(command: Command, call: packages.PackageCall) -> bool:
    """Whether all it installs are files that COPY or a mount brought: no repository, and nobody on the way."""
    files = call.packages and all(_PACKAGE_FILE.match(word.value) for word in call.packages)
    if not files:
        return False
    chain = list(command.stage.base_chain)
    if any(command.step.mounts("bind")):
        chain += command.step.document.stages
    if _is_verified_before(command):
        return True
    if any(program in run_text(stage) for stage in chain for program in ("curl", "wget")):
        return False
    return any(stage.instructions_of("COPY") for stage in chain) or any(command.step.mounts("bind"))


def _is_verified_before(command: Command) -> bool:
    """Whether an earlier command of the step holds a file against a signature or a checksum, and stops where it differs."""
    for other in command.step.script.commands:
        if other.span.start >= command.command_with_wrapper.span.start:
            break
        values = set(other.unquoted_words)
        if (other.program == "gpg" and "--verify" in values) or other.program == "gpgv":
            return True
        if re.fullmatch(r"sha(?:256|384|512)sum", other.program) and values & {"-c", "--check"}:
            return True
    return False


_SETTING_OPTIONS = {"set", "--set", "config", "-c", "-o", "--setopt"}


def tls_verification_off_setting(command: Command) -> CheckOutcome:
    """npm, yarn, yum, dnf, apt, git, conda or pip is told, by a setting, to check no certificate."""
    invocation = command.command
    if invocation.program in ("echo", "printf") and _is_package_settings_file(command):
        if any(_SSL_OFF.search(value) for value in invocation.unquoted_words):
            yield hit(invocation.span, setting="sslverify off", program="yum or dnf")
        return
    wanted = program_property(invocation.program, "insecure") or ()
    for at, word in enumerate(invocation.words if wanted else ()):
        name, equals, value = word.value.replace('"', "").replace("'", "").partition("=")
        if name == "--setopt":
            name, equals, value = value.partition("=")
        if not equals and at + 1 < len(invocation.words):
            value = invocation.words[at + 1].value
        setting = name.lower().lstrip("-").removeprefix("o" if name.startswith("-oA") else "")
        known = next((each for each in wanted if _is_setting_named(setting, each)), None)
        if not word.value.startswith("-") and not _SETTING_OPTIONS & set(invocation.unquoted_words[:at]):
            continue  # a package of that name
        if known is not None and value.strip("\"'").lower() in _FALSE_TEXTS:
            alone = bool(equals) and (word.value.startswith("-") or "verify" in known)
            yield hit(
                word.span if alone else invocation.span,
                setting=f"{name.lstrip('-')}={value}",
                program=invocation.program,
            )
            return
    if invocation.program in ("pip", "pip3") and invocation.unquoted_words[:2] == ("config", "set"):
        trusted = [value for value in invocation.unquoted_words[2:3] if value.endswith(".trusted-host")]
        if trusted:
            yield hit(invocation.span, setting=trusted[0], program=invocation.program)


def _is_setting_named(setting: str, name: str) -> bool:
    """Whether a setting is one of a name, or of that name for one repository or address."""
    if setting == name:
        return True
    section = name.removesuffix("sslverify")
    return section != name and setting.startswith(section) and setting.endswith(".sslverify")


_SSL_OFF = re.compile(r"\bsslverify\s*=\s*(?:0|false|no|off)\b", re.IGNORECASE)


def _is_package_settings_file(command: Command) -> bool:
    """Whether the output goes to a settings file of yum or dnf."""
    return any(
        redirect.target_word is not None and re.search(r"/(?:yum|dnf)", redirect.target_word.value)
        for redirect in command.command_with_wrapper.redirects
        if redirect.operator.startswith(">")
    )


def insecure_variable(
    step: Step, *, off: Sequence[str] = (), any_value: Sequence[str] = (), zero: Sequence[str] = ()
) -> CheckOutcome:
    """A variable that turns a check off is set: to 0 (`zero`), to no (`off`), or at all."""

    def bad(name: str, value: str) -> bool:
        value = value.strip().lower()
        if name in zero:
            return value == "0"
        if name.lower() in off:
            return value in _FALSE_TEXTS
        return name in any_value and bool(value)

    for name, value, span in _assigned_values(step):
        if bad(name, value):
            yield hit(span, name=name)


def _assigned_values(step: Step) -> Iterator[tuple[str, str, Span]]:
    """What ENV, ARG and the commands of RUN put into variables; `ARG NAME value` counts, as older builders read it."""
    if step.keyword in ("ENV", "ARG"):
        pairs = step.instruction.pairs
        yield from ((pair.name, pair.value, pair.pair_span) for pair in pairs if pair.raw is not None)
        if step.keyword == "ARG" and len(pairs) == 2:
            yield pairs[0].name, pairs[1].name, pairs[0].pair_span
    elif step.keyword == "RUN":
        for assignment in (one for command in step.script.commands for one in command.assignments):
            if assignment.value is not None:
                yield assignment.name, assignment.value.value, assignment.span


FETCHERS = frozenset({"curl", "wget", "fetch", "aria2c"})


def _runs_code(program: str) -> bool:
    """Whether a program runs a script that it is given; `.` and `source` run one in the shell that reads them."""
    return program in shell.SHELL_PROGRAMS or (
        program in fact_column("programs", "interpreter") and program not in (".", "source")
    )


def script_piped_to_shell(step: Step) -> CheckOutcome:
    """A script from the network runs at once: piped, substituted, or sourced."""
    script = step.script
    for group in script.pipes():
        fetch = next((one for one in group if unwrap_command(one).program in FETCHERS), None)
        if fetch is None:
            continue
        for command in group:
            if command.position_in_pipeline > fetch.position_in_pipeline and _reads_script_from_stdin(unwrap_command(command)):
                yield hit(Span(fetch.span.start, command.span.end), url=fetched_url(fetch))
                break
    for command in script.commands:
        taken = [r.target_word.value for r in command.redirects if r.operator == "<" and r.target_word]
        if _runs_code(unwrap_command(command).program) and any(map(_FETCH_IN_PROCESS_SUBSTITUTION.match, taken)):
            yield hit(command.span, url="what it fetches")
        if 0 <= command.parent_index < len(script.commands) and command.program in FETCHERS:
            outer = unwrap_command(script.commands[command.parent_index])
            if _runs_code(outer.program) or outer.name in ("eval", ".", "source"):
                yield hit(outer.span, url=fetched_url(command))


_FETCH_IN_PROCESS_SUBSTITUTION = re.compile(r"<\(\s*(?:curl|wget|fetch|aria2c)\s")


def _reads_script_from_stdin(command: shell.SimpleCommand) -> bool:
    """Whether a command runs what comes in: no script file, no -c."""
    if not _runs_code(command.program) or command.has_option("-c", "-e", "-m"):
        return False
    end = next((at for at, word in enumerate(command.words) if word.value == "--"), len(command.words))
    own = replace(command, words=command.words[:end])  # the rest is for the script
    operands = [word.value for word in own.operands() if word.value != "-"]
    return not operands or command.has_option("-s") or operands[0] == "/dev/stdin"


def fetched_url(command: shell.SimpleCommand) -> str:
    """The address that a command fetches, without what may be secret in it."""
    for word in command.words:
        if "://" in word.value:
            return re.sub(r"//[^/@\s]*@", "//", word.value.partition("?")[0])[:120]
    return "what it fetches"


def fetchers_both(stage: Stage) -> CheckOutcome:
    """Both curl and wget are used in a stage."""
    seen: dict[str, Span] = {}
    for instruction in stage.instructions:
        if instruction.keyword != "RUN":
            continue
        for command in Step(stage.document, stage, instruction).script.commands:
            program = unwrap_command(command).program
            if program in ("curl", "wget"):
                seen.setdefault(program, command.span)
            if len(seen) == 2:
                yield hit(command.span, program=program)
                return


_QUIET_OPTIONS = ("--quiet", "--no-verbose", "--progress", "--output-file", "--append-output")


def wget_progress(command: Command) -> CheckOutcome:
    """wget without an option that keeps its progress bar out of the log."""
    invocation = command.command
    if invocation.program != "wget" or not invocation.words or invocation.has_option("--version", "--help"):
        return
    if not invocation.has_option(*_QUIET_OPTIONS, "-q", "-o", "-a") and "-nv" not in invocation.unquoted_words:
        yield hit(invocation.name_span)

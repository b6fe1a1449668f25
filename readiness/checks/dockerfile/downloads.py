"""Checks of what a build fetches and whom it trusts: certificates, signatures, checksums."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from readiness.checks.dockerfile.packages import run_text
from readiness.facts import packages
from readiness.facts.programs import program_property
from readiness.facts.table import property_by_fact_name
from readiness.facts.wrappers import unwrap_command
from readiness.kinds.dockerfile.model import Command, Stage, Step
from readiness.model import CheckOutcome, Severity, Span, hit
from readiness.model.lazy_regex import lazy_regex
from readiness.syntax import shell

# Short options that take a value, so that `-okernel` holds no `-k`.
_SHORT_VALUE_OPTIONS_BY_PROGRAM = {"curl": "AbcCdDeEFhHKmoPQrtTuUwxXyYz"}
_FALSE_SETTING_VALUES = ("0", "false", "no", "off")


def insecure_option(command: Command, *, options: Mapping[str, Sequence[str]]) -> CheckOutcome:
    """A program gets an option that turns a check off; `options` names them per program."""
    invocation = command.command
    if invocation.program in ("echo", "printf") and "apt-get" in options:
        for unsigned_source in (
            each for each in invocation.words if _UNSIGNED_APT_SOURCE.match(each.value) and not _LOCAL_APT_SOURCE.search(each.value)
        ):
            # TLS guards the way to the source: then the server itself has to be taken over first.
            severity = Severity.MEDIUM if _ENCRYPTED_APT_SOURCE.search(unsigned_source.value) else None
            yield hit(unsigned_source.span, severity=severity, option="[trusted=yes]", program="apt-get")
        return
    insecure_options = options.get(invocation.program)
    package_call = packages.package_call(command.command_with_wrapper)
    if insecure_options is None and package_call is not None and package_call.manager.name == "pip":
        insecure_options = options.get("pip")
    short_options_with_value = _SHORT_VALUE_OPTIONS_BY_PROGRAM.get(invocation.program, "")
    option_word = invocation.find_option_word(*insecure_options, options_with_value=short_options_with_value) if insecure_options else None
    if option_word is None and insecure_options and "--allow-unauthenticated" in insecure_options:
        option_word = next((each for each in invocation.words if _UNSIGNED_APT_SETTING.search(each.value)), None)
    if option_word is not None and not (package_call is not None and _installs_only_local_packages(command, package_call)):
        is_from_files = package_call is not None and _are_all_package_files(package_call)  # what brought them may have been checked
        severity = Severity.MEDIUM if is_from_files else None
        yield hit(option_word.span, severity=severity, option=option_word.value.partition("=")[0], program=invocation.program)


_UNSIGNED_APT_SOURCE = lazy_regex(r"deb(?:-src)? \[[^\]]*\btrusted=(?:yes|true|1)\b")
_LOCAL_APT_SOURCE = lazy_regex(r"\][ \t]{1,20}(?:file|copy):")  # packages that the build itself has made or brought
_ENCRYPTED_APT_SOURCE = lazy_regex(r"\][ \t]{1,20}https:")
_UNSIGNED_APT_SETTING = lazy_regex(
    r"(?:APT::Get::AllowUnauthenticated|Acquire::AllowInsecureRepositories)=(?:true|yes|1|on)\Z",
    re.IGNORECASE,
)
_PACKAGE_FILE_PATH = lazy_regex(r"\.{0,2}/|[^:]*\.(?:apk|deb|rpm)\Z")


def _are_all_package_files(package_call: packages.PackageCall) -> bool:
    """Whether all that is installed are files of the image, by their paths."""
    return bool(package_call.packages) and all(_PACKAGE_FILE_PATH.match(word.value) for word in package_call.packages)


def _installs_only_local_packages(command: Command, package_call: packages.PackageCall) -> bool:
    """Whether all it installs are files that COPY or a mount brought: no repository, and nobody on the way."""
    if not _are_all_package_files(package_call):
        return False
    stages_in_sight = list(command.stage.base_chain)
    if any(command.step.mounts("bind")):
        stages_in_sight += command.step.document.stages
    if _is_any_file_verified_before(command):
        return True
    if any(program in run_text(stage) for stage in stages_in_sight for program in ("curl", "wget")):
        return False
    return any(stage.instructions_of("COPY") for stage in stages_in_sight) or any(command.step.mounts("bind"))


def _is_any_file_verified_before(command: Command) -> bool:
    """Whether an earlier command of the step holds a file against a signature or a checksum, and stops where it differs."""
    for earlier_command in command.step.script.commands:
        if earlier_command.span.start >= command.command_with_wrapper.span.start:
            break
        command_words = set(earlier_command.unquoted_words)
        if (earlier_command.program == "gpg" and "--verify" in command_words) or earlier_command.program == "gpgv":
            return True
        if re.fullmatch(r"sha(?:256|384|512)sum", earlier_command.program) and command_words & {"-c", "--check"}:
            return True
    return False


_SETTING_WORDS = {"set", "--set", "config", "-c", "-o", "--setopt"}


def tls_verification_off_setting(command: Command) -> CheckOutcome:
    """npm, yarn, yum, dnf, apt, git, conda or pip is told, by a setting, to check no certificate."""
    invocation = command.command
    if invocation.program in ("echo", "printf") and _writes_yum_settings_file(command):
        if any(_SSL_VERIFY_OFF.search(setting_value) for setting_value in invocation.unquoted_words):
            yield hit(invocation.span, setting="sslverify off", program="yum or dnf")
        return
    insecure_settings = program_property(invocation.program, "insecure") or ()
    first_setting_index = next((at for at, word in enumerate(invocation.words) if word.value in _SETTING_WORDS), len(invocation.words))
    for word_index, setting_word in enumerate(invocation.words if insecure_settings else ()):
        setting_name, equals_sign, setting_value = setting_word.value.replace('"', "").replace("'", "").partition("=")
        if setting_name == "--setopt":
            setting_name, equals_sign, setting_value = setting_value.partition("=")
        if not equals_sign and word_index + 1 < len(invocation.words):
            setting_value = invocation.words[word_index + 1].value
        normalized_setting = setting_name.lower().lstrip("-").removeprefix("o" if setting_name.startswith("-oA") else "")
        insecure_setting = next((each for each in insecure_settings if _is_setting_named(normalized_setting, each)), None)
        if not setting_word.value.startswith("-") and word_index <= first_setting_index:
            continue  # a package of that name
        if insecure_setting is not None and setting_value.strip("\"'").lower() in _FALSE_SETTING_VALUES:
            is_complete_in_word = bool(equals_sign) and (setting_word.value.startswith("-") or "verify" in insecure_setting)
            yield hit(
                setting_word.span if is_complete_in_word else invocation.span,
                setting=f"{setting_name.lstrip('-')}={setting_value}",
                program=invocation.program,
            )
            return
    if invocation.program in ("pip", "pip3") and invocation.unquoted_words[:2] == ("config", "set"):
        trusted_host_settings = [setting_value for setting_value in invocation.unquoted_words[2:3] if setting_value.endswith(".trusted-host")]
        if trusted_host_settings:
            yield hit(invocation.span, setting=trusted_host_settings[0], program=invocation.program)


def _is_setting_named(normalized_setting: str, setting_name: str) -> bool:
    """Whether a setting is one of a name, or of that name for one repository or address."""
    if normalized_setting == setting_name:
        return True
    repository_prefix = setting_name.removesuffix("sslverify")
    return repository_prefix != setting_name and normalized_setting.startswith(repository_prefix) and normalized_setting.endswith(".sslverify")


_SSL_VERIFY_OFF = lazy_regex(r"\bsslverify\s*=\s*(?:0|false|no|off)\b", re.IGNORECASE)


def _writes_yum_settings_file(command: Command) -> bool:
    """Whether the output goes to a settings file of yum or dnf."""
    return any(
        redirect.target_word is not None and re.search(r"/(?:yum|dnf)", redirect.target_word.value)
        for redirect in command.command_with_wrapper.redirects
        if redirect.operator.startswith(">")
    )


def insecure_variable(step: Step, *, off: Sequence[str] = (), any_value: Sequence[str] = (), zero: Sequence[str] = ()) -> CheckOutcome:
    """A variable that turns a check off is set: to 0 (`zero`), to no (`off`), or at all."""

    def is_check_turned_off(name: str, value: str) -> bool:
        value = value.strip().lower()
        if name in zero:
            return value == "0"
        if name.lower() in off:
            return value in _FALSE_SETTING_VALUES
        return name in any_value and bool(value)

    for name, value, assignment_span in _assigned_variables_of_step(step):
        if is_check_turned_off(name, value):
            yield hit(assignment_span, name=name)


def _assigned_variables_of_step(step: Step) -> Iterator[tuple[str, str, Span]]:
    """What ENV, ARG and the commands of RUN put into variables; `ARG NAME value` counts, as older builders read it."""
    if step.keyword in ("ENV", "ARG"):
        name_value_pairs = step.instruction.pairs
        yield from ((pair.name, pair.value, pair.pair_span) for pair in name_value_pairs if pair.raw is not None)
        if step.keyword == "ARG" and len(name_value_pairs) == 2:
            yield name_value_pairs[0].name, name_value_pairs[1].name, name_value_pairs[0].pair_span
    elif step.keyword == "RUN":
        for assignment in (one for command in step.script.commands for one in command.assignments):
            if assignment.value is not None:
                yield assignment.name, assignment.value.value, assignment.span


FETCH_PROGRAMS = frozenset({"curl", "wget", "fetch", "aria2c"})


def _is_code_interpreter(program_name: str) -> bool:
    """Whether a program runs a script that it is given; `.` and `source` run one in the shell that reads them."""
    return program_name in shell.SHELL_PROGRAMS or (
        program_name in property_by_fact_name("programs", "interpreter") and program_name not in (".", "source")
    )


def script_piped_to_shell(step: Step) -> CheckOutcome:
    """A script from the network runs at once: piped, substituted, or sourced."""
    shell_script = step.script
    for pipeline_commands in shell_script.pipes():
        fetch_command = next((one for one in pipeline_commands if unwrap_command(one).program in FETCH_PROGRAMS), None)
        if fetch_command is None:
            continue
        for command in pipeline_commands:
            if command.position_in_pipeline > fetch_command.position_in_pipeline and _does_run_script_from_stdin(unwrap_command(command)):
                yield hit(Span(fetch_command.span.start, command.span.end), url=redacted_fetch_url(fetch_command))
                break
    for command in shell_script.commands:
        input_redirections = [r.target_word.value for r in command.redirects if r.operator == "<" and r.target_word]
        if _is_code_interpreter(unwrap_command(command).program) and any(map(_FETCH_IN_PROCESS_SUBSTITUTION.match, input_redirections)):
            yield hit(command.span, url="what it fetches")
        if 0 <= command.parent_index < len(shell_script.commands) and command.program in FETCH_PROGRAMS:
            enclosing_command = unwrap_command(shell_script.commands[command.parent_index])
            if _is_code_interpreter(enclosing_command.program) or enclosing_command.name in ("eval", ".", "source"):
                yield hit(enclosing_command.span, url=redacted_fetch_url(command))


_FETCH_IN_PROCESS_SUBSTITUTION = lazy_regex(r"<\(\s*(?:curl|wget|fetch|aria2c)\s")


def _does_run_script_from_stdin(command: shell.SimpleCommand) -> bool:
    """Whether a command runs what comes in: no script file, no -c."""
    if not _is_code_interpreter(command.program) or command.has_option("-c", "-e", "-m"):
        return False
    options_end = next((at for at, word in enumerate(command.words) if word.value == "--"), len(command.words))
    command_without_script_arguments = replace(command, words=command.words[:options_end])  # the rest is for the script
    script_operands = [word.value for word in command_without_script_arguments.operands() if word.value != "-"]
    return not script_operands or command.has_option("-s") or script_operands[0] == "/dev/stdin"


def redacted_fetch_url(command: shell.SimpleCommand) -> str:
    """The address that a command fetches, without what may be secret in it."""
    for fetch_word in command.words:
        if "://" in fetch_word.value:
            return re.sub(r"//[^/@\s]*@", "//", fetch_word.value.partition("?")[0])[:120]
    return "what it fetches"


def fetchers_both(stage: Stage) -> CheckOutcome:
    """Both curl and wget are used in a stage."""
    first_span_by_program: dict[str, Span] = {}
    for instruction in stage.instructions:
        if instruction.keyword != "RUN":
            continue
        for command in Step(stage.document, stage, instruction).script.commands:
            program_name = unwrap_command(command).program
            if program_name in ("curl", "wget"):
                first_span_by_program.setdefault(program_name, command.span)
            if len(first_span_by_program) == 2:
                yield hit(command.span, program=program_name)
                return


_WGET_QUIET_OPTIONS = ("--quiet", "--no-verbose", "--progress", "--output-file", "--append-output")


def wget_progress(command: Command) -> CheckOutcome:
    """wget without an option that keeps its progress bar out of the log."""
    invocation = command.command
    if invocation.program != "wget" or not invocation.words or invocation.has_option("--version", "--help"):
        return
    if not invocation.has_option(*_WGET_QUIET_OPTIONS, "-q", "-o", "-a") and "-nv" not in invocation.unquoted_words:
        yield hit(invocation.name_span)

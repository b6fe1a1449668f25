"""Secrets in the file, passwords that everybody knows, stores that let everybody in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import zip_longest
from typing import Any

from readiness.checks.compose.credentials import (
    is_password_unused_by_open_server,
    lower_severity_for_closed_store,
    password_copies,
)
from readiness.checks.compose.doors import is_reached_by_strangers, lower_unless_stranger_gets_in
from readiness.checks.compose.reach import is_closed_store, is_store
from readiness.kinds.compose.model import Service, Variable
from readiness.kinds.compose.parts import (
    string_entries,
    substring_span,
)
from readiness.kinds.compose.readers import is_variable_only_in_comments, is_variable_taken_by_nothing, sibling_values_by_name
from readiness.kinds.dotenv import EnvValue
from readiness.kinds.purpose import is_sample_path
from readiness.kinds.variables import VariableSetting
from readiness.model import CheckOutcome, Hit, NotApplicable, Related, Severity, Span, hit
from readiness.model.lazy_regex import lazy_regex
from readiness.model.project import Project
from readiness.syntax import secrets
from readiness.syntax.dotenv import EnvEntry
from readiness.syntax.holes import has_variable_sign
from readiness.syntax.interpolation import single_variable_and_default
from readiness.syntax.secrets import SecretStrength, SecretVerdict
from readiness.syntax.yaml import Map, Seq

_PASSWORD_FLAG_PATTERN = lazy_regex(
    r"(?P<flag>--?(?:requirepass|masterauth|password|passwd|root-password|rootpass|api-key|apikey|secret|secret-key|token|master-key"
    r"|auth-token|access-key))(?:=|\s+)[\"']?(?P<value>[^\s\"']+)"
)
_MYSQL_PASSWORD_OPTION = lazy_regex(r"\bmysql(?:admin|dump|show)?\b[^|;&]{0,300}\s-p(?P<value>[^\s\"'-][^\s\"']{0,200})")


def secret_inline(variable: Variable, project: Project) -> CheckOutcome:
    """A secret in a service's environment; what a client logs in with is told at the server that has the same."""
    if variable.where == "environment":
        for secret_hit, verdict in _secret_value_hits(variable, variable.setting.raw_value, variable.setting.span):
            yield from _hit_unless_client_copy(secret_hit, variable, verdict, project)
    elif variable.env_file_value:
        yield NotApplicable()  # another rule's matter


def env_file_committed(value: EnvValue, project: Project) -> CheckOutcome:
    """A secret in an environment file that is part of the repository; one that is this host's alone is the right place.

    A file without secrets is no proof that they are kept elsewhere. One value under several names is one secret.
    """
    yield NotApplicable()
    if not project.is_tracked(value.source.path):
        return
    for secret_hit, verdict in _secret_value_hits(value, value.entry.raw_value, value.entry.value_span):
        entries_of_same_secret = _entries_of_same_secret(value)
        if entries_of_same_secret and entries_of_same_secret[0] is not value.entry:
            return
        related_entries = [Related(value.source, one.value_span, f"{one.name} has the same value") for one in entries_of_same_secret[1:]]
        yield from _hit_unless_client_copy(
            _hit_for_env_file_reader(secret_hit._replace(related=tuple(related_entries)), value, project), value, verdict, project
        )


def _hit_for_env_file_reader(secret_hit: Hit, env_value: EnvValue, project: Project) -> Hit:
    """The hit on a value of an environment file with what reads it: a word that nothing takes is low."""
    if is_variable_only_in_comments(env_value.name, env_value.source.path, project):
        message_name = "unread"
    elif is_variable_taken_by_nothing(env_value.name, env_value.source.path, project):
        message_name = "untaken"
    else:
        return secret_hit._replace(message_name="used")
    secret_verdict = secrets.classify_value(env_value.name, (env_value.entry.raw_value or "").strip("\"'"))
    severity_of_unread = Severity.LOW if secret_verdict.strength < SecretStrength.RANDOM else secret_hit.severity
    return secret_hit._replace(message_name=message_name, severity=severity_of_unread)


def _entries_of_same_secret(env_value: EnvValue) -> list[EnvEntry]:
    """The entries of an environment file that have this value and are told of; none for one that others may have by chance."""
    unquoted_value = (env_value.entry.raw_value or "").strip("\"'")
    return [
        one
        for one in env_value.document.parsed_env_file.entries
        if one.raw_value is not None and one.raw_value.strip("\"'") == unquoted_value and secrets.classify_value(one.name, unquoted_value).is_secret
    ]


def _hit_unless_client_copy(secret_hit: Hit, subject: Variable | EnvValue, verdict: SecretVerdict, project: Project) -> Iterator[Hit]:
    """The hit, with the places of clients that log in with the same; none where it is such a client's, or adds nothing.

    High where strangers get in with it, or a machine made it.
    """
    if isinstance(subject, Variable) and is_password_unused_by_open_server(subject, project):
        return
    copied_passwords = project.memoize(password_copies)
    location_key = (subject.source.path, secret_hit.span.start)
    if location_key not in copied_passwords.copied:
        secret_hit = secret_hit._replace(related=(*secret_hit.related, *copied_passwords.clients_by_server.get(location_key, ())))
        secret_hit = lower_severity_for_closed_store(secret_hit, location_key, project)
        yield lower_unless_stranger_gets_in(secret_hit, subject, verdict, project)


def _secret_value_hits(subject: Variable | EnvValue, raw_value: Any, value_span: Span) -> Iterator[tuple[Hit, SecretVerdict]]:
    """A value that is a secret, and what it is; `password_well_known` tells of those that everybody knows."""
    unquoted_value = raw_value.strip("\"'") if isinstance(raw_value, str) else raw_value
    secret_verdict = secrets.classify_value(subject.name, unquoted_value)
    if not secret_verdict.is_secret or (isinstance(unquoted_value, str) and _is_single_variable(unquoted_value)):
        return
    if not _secret_grants_access(subject, secret_verdict):
        return
    if secret_verdict.reach is not None and isinstance(raw_value, str):
        unquoted_start = raw_value.find(unquoted_value)
        secret_start, secret_end = unquoted_start + secret_verdict.span.start, unquoted_start + secret_verdict.span.end
        value_span = substring_span(subject.source, value_span, raw_value, secret_start, secret_end)
    severity = _severity_of_compose_secret(subject, secret_verdict)
    commented_verdict = secrets.verdict_with_public_comment(secret_verdict, subject.source.text, value_span.start)
    secret_hit = hit(
        value_span,
        severity=Severity.LOW if commented_verdict is not secret_verdict else severity,
        reason=commented_verdict.reason,
    )
    yield secret_hit, secret_verdict


def _severity_of_compose_secret(subject: Variable | EnvValue, secret_verdict: SecretVerdict) -> Severity | None:
    """How bad a secret is: low for a word for tests and in a file that was taken for tests, medium in an example's folder.

    A key that somebody gave out, and what a machine made beside an example, open something anywhere.
    """
    assumed_purpose = subject.source.root.purposes.get("")
    is_trial_secret = assumed_purpose is not None and assumed_purpose.is_trial and secret_verdict.strength < SecretStrength.SHAPE
    if secret_verdict.is_minor or is_trial_secret:
        return Severity.LOW
    if secret_verdict.strength < SecretStrength.RANDOM and isinstance(subject, Variable) and _is_replaced_by_other_store(subject):
        return Severity.LOW
    is_in_sample = is_sample_path(subject.source.root.path) and secret_verdict.strength < SecretStrength.RANDOM
    return Severity.MEDIUM if is_in_sample or secret_verdict.says_test else None


def _is_single_variable(setting_text: str) -> bool:
    """Whether a value is one variable, whatever its default."""
    return single_variable_and_default(setting_text.strip()) is not None


def _password_setting(variable: Variable) -> VariableSetting:
    """The variable, or of `NEO4J_AUTH: user/password` the password alone."""
    setting = variable.setting
    raw_value = setting.raw_value
    if setting.name != "NEO4J_AUTH" or not isinstance(raw_value, str) or "/" not in raw_value:
        return setting
    password_start = raw_value.index("/") + 1
    password_span = substring_span(variable.source, setting.span, raw_value, password_start, len(raw_value))
    return replace(setting, name="NEO4J_PASSWORD", raw_value=raw_value[password_start:], span=password_span)


def password_well_known(variable: Variable, project: Project) -> CheckOutcome:
    """A password that everybody tries first, or that describes what belongs there; of the latter a service's first."""
    password_setting = _password_setting(variable)
    if variable.where == "args":
        return
    password_text = password_setting.raw_value if isinstance(password_setting.raw_value, str) else ""
    secret_verdict = secrets.classify_value(password_setting.name, password_setting.raw_value)
    if not secret_verdict.is_guessed or _is_single_variable(password_text):
        return
    spans_told_together = _spans_of_combined_finding(variable, secret_verdict)
    if password_setting.span in spans_told_together[1:]:
        return
    password_span = (
        password_setting.span
        if secret_verdict.reach is None
        else substring_span(variable.source, password_setting.span, password_text, secret_verdict.span.start, secret_verdict.span.end)
    )
    related_values = [Related(variable.source, at, "this value is to be replaced, too") for at in spans_told_together[1:]]
    is_sample = is_sample_path(variable.source.root.path)
    local_setting_name = secrets.local_environment_setting_name(sibling_values_by_name(variable))
    severity = Severity.MEDIUM if secret_verdict.is_description or is_sample or local_setting_name else None
    is_commented_value = secrets.verdict_with_public_comment(secret_verdict, variable.source.text, password_span.start) is not secret_verdict
    is_used_beyond = (variable.source.path, password_span.start) in project.memoize(password_copies).beyond
    if is_commented_value or is_used_beyond or _is_replaced_by_other_store(variable):
        severity = Severity.LOW
    message_name = "described" if secret_verdict.is_description else "local" if local_setting_name else "tried"
    password_hit = hit(password_span, severity=severity, related=related_values, say=message_name, setting=local_setting_name)
    yield from _hit_unless_client_copy(password_hit, variable, secret_verdict, project)


def _spans_of_combined_finding(variable: Variable, secret_verdict: SecretVerdict) -> list[Span]:
    """The places in a service that are one finding: values that describe the secret which belongs there, and one value under
    the names of several keys; a password lets in wherever it stands."""
    if variable.where != "environment" or (secrets.is_password_name(variable.name) and not secret_verdict.is_description):
        return []
    return [
        one.span
        for one in variable.owner.variable_settings
        if (other_verdict := secrets.classify_value(one.name, one.raw_value)).is_guessed
        and other_verdict.is_description is secret_verdict.is_description
        and other_verdict.reach is None
        and (secret_verdict.is_description or (one.raw_value == variable.setting.raw_value and not secrets.is_password_name(one.name)))
    ]


def _is_replaced_by_other_store(variable: Variable) -> bool:
    """Whether a switch of the service puts another store in place of the one that the password is for."""
    return variable.where == "environment" and secrets.uses_other_database(variable.name, sibling_values_by_name(variable))


def password_fallback(subject: Variable | Service) -> CheckOutcome:
    """A password that a variable falls back to when nobody sets it, in a setting or on a command line."""
    if isinstance(subject, Service):
        yield from _command_fallback_outcomes(subject)
        return
    setting = subject.setting
    setting_text = setting.raw_value.strip().strip("\"'") if isinstance(setting.raw_value, str) else ""
    variable_and_default = single_variable_and_default(setting_text)
    if variable_and_default is None or subject.where == "args":
        return
    fallback_variable, default_value = variable_and_default
    if _is_exposed_default(default_value, setting.name, fallback_variable):
        setting_description = f"variable {setting.name}"
        yield hit(setting.span, what=setting_description, service=subject.service, variable=fallback_variable)


def _is_exposed_default(default_value: str, *setting_names: str) -> bool:
    """Whether what a variable falls back to is a secret under one of its names."""
    return not has_variable_sign(default_value) and any(secrets.classify_value(name, default_value).is_exposed for name in setting_names)


def _command_fallback_outcomes(service: Service) -> CheckOutcome:
    password_flags = list(_password_flags(service))
    if not password_flags:
        yield NotApplicable()  # no password is given here
    for flag_name, flag_value, password_span in password_flags:
        variable_and_default = single_variable_and_default(flag_value)
        if variable_and_default is not None and _is_exposed_default(variable_and_default[1], "password"):
            yield hit(password_span, what=f"flag {flag_name}", service=service.name, variable=variable_and_default[0])


_BROWSER_VARIABLE_WORDS = frozenset({"site", "vite", "react"})


def secret_in_build_argument(variable: Variable) -> CheckOutcome:
    """A secret that goes into a build argument, and with it into the image."""
    setting = variable.setting
    if variable.where != "args" or not secrets.is_secret_name(setting.name):
        return
    argument_name_words = set(secrets.name_words(setting.name))
    if argument_name_words & _BROWSER_VARIABLE_WORDS or secrets.is_public_name(setting.name) or setting.raw_value == "":
        return
    # A literal is judged; what comes from outside, by a variable or without a value, is as secret as its name says.
    is_from_outside = setting.raw_value is None or has_variable_sign(str(setting.raw_value))
    verdict = secrets.classify_value(setting.name, setting.raw_value)
    if is_from_outside and not variable.named_aside:
        yield hit(setting.name_span, severity=Severity.MEDIUM)
    elif not is_from_outside and _secret_grants_access(variable, verdict):
        is_generated = verdict.strength >= SecretStrength.RANDOM and not verdict.is_guessed
        yield hit(setting.name_span, severity=None if is_generated else Severity.MEDIUM)


def _secret_grants_access(subject: Variable | EnvValue | Service, secret_verdict: SecretVerdict) -> bool:
    """Whether a secret opens anything: a password that somebody made up for development does not.

    A real key does wherever it stands, and what a machine made does unless a name says that it is for development.
    """
    min_strength = SecretStrength.SHAPE if subject.named_aside else SecretStrength.RANDOM
    return secret_verdict.is_exposed and (subject.production or secret_verdict.strength >= min_strength)


def secret_in_command(service: Service, project: Project) -> CheckOutcome:
    """A password on a command line: a command, an entrypoint, a health check.

    High for one that a machine made, and for that of a store which strangers reach; medium for any other.
    """
    is_open_store = is_store(service, project) and is_reached_by_strangers(service, project)
    for _, flag_value, password_span in _password_flags(service):
        if not _is_real_password(flag_value):
            continue
        verdict = secrets.classify_value("PASSWORD", flag_value)
        if not (service.production or _secret_grants_access(service, verdict)):
            continue
        if is_closed_store(service, project):
            yield hit(password_span, severity=Severity.MEDIUM, say="closed")
        elif is_open_store or (verdict.strength >= SecretStrength.RANDOM and not verdict.is_guessed):
            yield hit(password_span)
        else:
            yield hit(password_span, severity=Severity.MEDIUM, say="inside")


def _password_flags(service: Service) -> Iterator[tuple[str, str, Span]]:
    """(flag, value, its place) of what looks like a password on the command lines of a service."""
    healthcheck = service.node.get("healthcheck")
    for parent_node, command_key in ((service.node, "command"), (service.node, "entrypoint"), (healthcheck, "test")):
        command = parent_node.get(command_key) if isinstance(parent_node, Map) else None
        if command is None or not isinstance(parent_node, Map):
            continue
        if isinstance(command, Seq):
            yield from _password_flags_in_words(service, command)
        elif isinstance(command, str):
            yield from _password_flags_in_line(service, command, parent_node.at(command_key))


def _password_flags_in_line(service: Service, command_text: str, command_span: Span) -> Iterator[tuple[str, str, Span]]:
    for pattern in (_PASSWORD_FLAG_PATTERN, _MYSQL_PASSWORD_OPTION):
        for password_match in pattern.finditer(command_text):
            flag_name = password_match.groupdict().get("flag") or "-p"
            password_span = substring_span(service.source, command_span, command_text, *password_match.span("value"))
            yield flag_name, password_match["value"], password_span


def _password_flags_in_words(service: Service, command_words: Seq) -> Iterator[tuple[str, str, Span]]:
    words_and_indexes = list(string_entries(command_words))
    for (word, word_index), (next_word, next_index) in zip_longest(words_and_indexes, words_and_indexes[1:], fillvalue=("", 0)):
        flag_match = _PASSWORD_FLAG_PATTERN.match(f"{word} {next_word}")
        if flag_match and "=" not in word and " " not in word:
            if next_word and not next_word.startswith("-"):
                yield flag_match["flag"], next_word, command_words.at(next_index)
        else:
            yield from _password_flags_in_line(service, word, command_words.at(word_index))


def _is_real_password(password_text: str) -> bool:
    """Whether a word is a password and no variable, path or placeholder."""
    unquoted_text = password_text.strip("\"'`;),")
    if len(unquoted_text) < 4 or has_variable_sign(unquoted_text) or unquoted_text.startswith((".", "<", "{", "-", "%")):
        return False
    return not unquoted_text.isdigit() and secrets.classify_value("password", unquoted_text).is_exposed


def environment_quoted(variable: Variable) -> CheckOutcome:
    """A value in a list whose quotes become part of it."""
    setting = variable.setting
    is_list_entry = isinstance(variable.owner.node.get(variable.where), Seq)
    raw_text = setting.raw_value if isinstance(setting.raw_value, str) else ""
    if is_list_entry and variable.where == "environment" and len(raw_text) > 1 and raw_text[0] in "\"'" and raw_text[0] == raw_text[-1]:
        yield hit(setting.span)


def secret_empty(variable: Variable) -> CheckOutcome:
    """A secret that is set to an empty value."""
    setting = variable.setting
    if variable.where == "environment" and setting.raw_value == "" and secrets.is_secret_name(setting.name):
        yield hit(setting.name_span)

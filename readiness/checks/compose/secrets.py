"""Secrets in the file, passwords that everybody knows, stores that let everybody in."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import zip_longest
from typing import Any

from readiness.checks.compose.credentials import is_password_moot, lowered_for_closed_store, password_copies
from readiness.checks.compose.reach import is_closed_store
from readiness.kinds.compose.model import Service, Variable
from readiness.kinds.compose.parts import (
    string_entries,
    substring_span,
)
from readiness.kinds.compose.readers import is_reader_commented_out, settings_beside_variable
from readiness.kinds.dotenv import EnvValue
from readiness.kinds.purpose import is_sample_path
from readiness.kinds.variables import VariableSetting
from readiness.model import CheckOutcome, Hit, NotApplicable, Related, Severity, Span, hit
from readiness.model.project import Project
from readiness.syntax import secrets
from readiness.syntax.dotenv import EnvEntry
from readiness.syntax.holes import has_variable
from readiness.syntax.interpolation import single_variable_and_default
from readiness.syntax.secrets import SecretStrength, SecretVerdict
from readiness.syntax.yaml import Map, Seq

_PASSWORD_FLAG = re.compile(
    r"(?P<flag>--?(?:requirepass|masterauth|password|passwd|root-password|rootpass|api-key|apikey|secret|secret-key|token|master-key"
    r"|auth-token|access-key))(?:=|\s+)[\"']?(?P<value>[^\s\"']+)"
)
_MYSQL_PASSWORD_OPTION = re.compile(r"\bmysql(?:admin|dump|show)?\b[^|;&]{0,300}\s-p(?P<value>[^\s\"'-][^\s\"']{0,200})")


def secret_inline(variable: Variable, project: Project) -> CheckOutcome:
    """A secret in a service's environment; what a client logs in with is told at the server that has the same."""
    if variable.where == "environment":
        for told in _secret_value_hits(variable, variable.setting.raw_value, variable.setting.span):
            yield from _unless_copied(told, variable, project)
    elif variable.env_file_value:
        yield NotApplicable()  # another rule's matter


def env_file_committed(value: EnvValue, project: Project) -> CheckOutcome:
    """A secret in an environment file that is part of the repository; one that is this host's alone is the right place.

    A file without secrets is no proof that they are kept elsewhere. One value under several names is one secret.
    """
    yield NotApplicable()
    if not project.is_tracked(value.source.path):
        return
    for told in _secret_value_hits(value, value.entry.raw_value, value.entry.value_span):
        same = _entries_of_same_secret(value)
        if same and same[0] is not value.entry:
            return
        again = [Related(value.source, one.value_span, f"{one.name} has the same value") for one in same[1:]]
        yield from _unless_copied(_with_reader(told._replace(related=tuple(again)), value, project), value, project)


def _with_reader(told: Hit, value: EnvValue, project: Project) -> Hit:
    """The hit on a value of an environment file with what reads it: a word whose readers are commented out is low."""
    if not is_reader_commented_out(value.name, value.source.path, project):
        return told._replace(message_name="used")
    verdict = secrets.classify_value(value.name, (value.entry.raw_value or "").strip("\"'"))
    severity = Severity.LOW if verdict.strength < SecretStrength.RANDOM else told.severity
    return told._replace(message_name="unread", severity=severity)


def _entries_of_same_secret(value: EnvValue) -> list[EnvEntry]:
    """The entries of an environment file that have this value and are told of; none for one that others may have by chance."""
    bare = (value.entry.raw_value or "").strip("\"'")
    return [
        one
        for one in value.document.parsed_env_file.entries
        if one.raw_value is not None and one.raw_value.strip("\"'") == bare and secrets.classify_value(one.name, bare).is_secret
    ]


def _unless_copied(told: Hit, subject: Variable | EnvValue, project: Project) -> Iterator[Hit]:
    """The hit, with the places of clients that log in with the same; none where it is such a client's, or adds nothing."""
    if isinstance(subject, Variable) and is_password_moot(subject, project):
        return
    copies = project.memoize(password_copies)
    key = (subject.source.path, told.span.start)
    if key not in copies.copied:
        told = told._replace(related=(*told.related, *copies.clients_by_server.get(key, ())))
        yield lowered_for_closed_store(told, key, project)


def _secret_value_hits(subject: Variable | EnvValue, value: Any, span: Span) -> Iterator[Hit]:
    """A value that is a secret; `password_well_known` tells of those that everybody knows."""
    bare = value.strip("\"'") if isinstance(value, str) else value
    verdict = secrets.classify_value(subject.name, bare)
    if not verdict.is_secret or (isinstance(bare, str) and _is_only_default(bare)):
        return
    if not _secret_grants_access(subject, verdict):
        return
    if verdict.reach is not None and isinstance(value, str):
        shift = value.find(bare)
        start, end = shift + verdict.span.start, shift + verdict.span.end
        span = substring_span(subject.source, span, value, start, end)
    severity = _secret_severity(subject, verdict)
    remarked = secrets.with_comment(verdict, subject.source.text, span.start)
    yield hit(span, severity=Severity.LOW if remarked is not verdict else severity, reason=remarked.reason)


def _secret_severity(subject: Variable | EnvValue, verdict: SecretVerdict) -> Severity | None:
    """How bad a secret is: low for a word for tests and in a file that was taken for tests, medium in an example's folder.

    A key that somebody gave out, and what a machine made beside an example, open something anywhere.
    """
    taken = subject.source.root.purposes.get("")
    trial = taken is not None and taken.is_trial and verdict.strength < SecretStrength.SHAPE
    if verdict.is_minor or trial:
        return Severity.LOW
    if verdict.strength < SecretStrength.RANDOM and isinstance(subject, Variable) and _uses_other_store(subject):
        return Severity.LOW
    path = subject.source.root.path
    return Severity.MEDIUM if is_sample_path(path) and verdict.strength < SecretStrength.RANDOM else None


def _is_only_default(value: str) -> bool:
    """Whether a value is one variable, whatever its default."""
    return single_variable_and_default(value.strip()) is not None


def _password_part(variable: Variable) -> VariableSetting:
    """The variable, or of `NEO4J_AUTH: user/password` the password alone."""
    setting = variable.setting
    whole = setting.raw_value
    if setting.name != "NEO4J_AUTH" or not isinstance(whole, str) or "/" not in whole:
        return setting
    at = whole.index("/") + 1
    span = substring_span(variable.source, setting.span, whole, at, len(whole))
    return replace(setting, name="NEO4J_PASSWORD", raw_value=whole[at:], span=span)


def password_well_known(variable: Variable, project: Project) -> CheckOutcome:
    """A password that everybody tries first, or that describes what belongs there; of the latter a service's first."""
    setting = _password_part(variable)
    if variable.where == "args":
        return
    text = setting.raw_value if isinstance(setting.raw_value, str) else ""
    verdict = secrets.classify_value(setting.name, setting.raw_value)
    if not verdict.is_guessed or _is_only_default(text):
        return
    together = _places_told_together(variable, verdict)
    if setting.span in together[1:]:
        return
    span = (
        setting.span
        if verdict.reach is None
        else substring_span(variable.source, setting.span, text, verdict.span.start, verdict.span.end)
    )
    also = [Related(variable.source, at, "this value is to be replaced, too") for at in together[1:]]
    sample_key = is_sample_path(variable.source.root.path) and not secrets.is_password_name(variable.name)
    local = secrets.local_setting(settings_beside_variable(variable)) if verdict.to_change else ""
    severity = Severity.MEDIUM if verdict.is_description or sample_key or local else None
    if (variable.source.path, span.start) in project.memoize(password_copies).beyond or _uses_other_store(variable):
        severity = Severity.LOW
    say = "described" if verdict.is_description else "local" if local else "tried"
    told = hit(span, severity=severity, related=also, say=say, setting=local)
    yield from _unless_copied(told, variable, project)


def _places_told_together(variable: Variable, verdict: SecretVerdict) -> list[Span]:
    """The places in a service that are one finding: values that describe the secret which belongs there, and one value under
    the names of several keys; a password lets in wherever it stands."""
    if variable.where != "environment" or (secrets.is_password_name(variable.name) and not verdict.is_description):
        return []
    return [
        one.span
        for one in variable.owner.variable_settings
        if (other := secrets.classify_value(one.name, one.raw_value)).is_guessed
        and other.is_description is verdict.is_description
        and other.reach is None
        and (verdict.is_description or (one.raw_value == variable.setting.raw_value and not secrets.is_password_name(one.name)))
    ]


def _uses_other_store(variable: Variable) -> bool:
    """Whether a switch of the service puts another store in place of the one that the password is for."""
    return variable.where == "environment" and secrets.uses_other_store(variable.name, settings_beside_variable(variable))


def password_fallback(subject: Variable | Service) -> CheckOutcome:
    """A password that a variable falls back to when nobody sets it, in a setting or on a command line."""
    if isinstance(subject, Service):
        yield from _fallback_in_command(subject)
        return
    setting = subject.setting
    text = setting.raw_value.strip().strip("\"'") if isinstance(setting.raw_value, str) else ""
    fallback = single_variable_and_default(text)
    if fallback is None or subject.where == "args":
        return
    name, default = fallback
    if _is_password(default, setting.name, name):
        what = f"variable {setting.name}"
        yield hit(setting.span, what=what, service=subject.service, variable=name)


def _is_password(default: str, *names: str) -> bool:
    """Whether what a variable falls back to is a secret under one of its names."""
    return not has_variable(default) and any(secrets.classify_value(name, default).is_exposed for name in names)


def _fallback_in_command(service: Service) -> CheckOutcome:
    flags = list(_password_flags(service))
    if not flags:
        yield NotApplicable()  # no password is given here
    for flag, value, span in flags:
        found = single_variable_and_default(value)
        if found is not None and _is_password(found[1], "password"):
            yield hit(span, what=f"flag {flag}", service=service.name, variable=found[0])


_FOR_BROWSERS = frozenset({"site", "vite", "react"})


def secret_in_build_argument(variable: Variable) -> CheckOutcome:
    """A secret that goes into a build argument, and with it into the image."""
    setting = variable.setting
    if variable.where != "args" or not secrets.is_secret_name(setting.name):
        return
    words = set(secrets.name_words(setting.name))
    if words & _FOR_BROWSERS or secrets.is_public(setting.name) or setting.raw_value == "":
        return
    # A literal is judged; what comes from outside, by a variable or without a value, is as secret as its name says.
    outside = setting.raw_value is None or has_variable(str(setting.raw_value))
    if (outside and not variable.named_aside) or (
        not outside and _secret_grants_access(variable, secrets.classify_value(setting.name, setting.raw_value))
    ):
        yield hit(setting.name_span)


def _secret_grants_access(subject: Variable | EnvValue | Service, verdict: SecretVerdict) -> bool:
    """Whether a secret opens anything: a password that somebody made up for development does not.

    A real key does wherever it stands, and what a machine made does unless a name says that it is for development.
    """
    least = SecretStrength.SHAPE if subject.named_aside else SecretStrength.RANDOM
    return verdict.is_exposed and (subject.production or verdict.strength >= least)


def secret_in_command(service: Service, project: Project) -> CheckOutcome:
    """A password on a command line: a command, an entrypoint, a health check; medium of a store that only its project reaches."""
    for _, value, span in _password_flags(service):
        if not _is_real(value):
            continue
        if service.production or _secret_grants_access(service, secrets.classify_value("PASSWORD", value)):
            closed = is_closed_store(service, project)
            yield hit(span, severity=Severity.MEDIUM, say="closed") if closed else hit(span)


def _password_flags(service: Service) -> Iterator[tuple[str, str, Span]]:
    """(flag, value, its place) of what looks like a password on the command lines of a service."""
    check = service.node.get("healthcheck")
    for owner, key in ((service.node, "command"), (service.node, "entrypoint"), (check, "test")):
        value = owner.get(key) if isinstance(owner, Map) else None
        if value is None or not isinstance(owner, Map):
            continue
        if isinstance(value, Seq):
            yield from _secrets_in_words(service, value)
        elif isinstance(value, str):
            yield from _secrets_in_line(service, value, owner.at(key))


def _secrets_in_line(service: Service, text: str, span: Span) -> Iterator[tuple[str, str, Span]]:
    for pattern in (_PASSWORD_FLAG, _MYSQL_PASSWORD_OPTION):
        for match in pattern.finditer(text):
            flag = match.groupdict().get("flag") or "-p"
            place = substring_span(service.source, span, text, *match.span("value"))
            yield flag, match["value"], place


def _secrets_in_words(service: Service, value: Seq) -> Iterator[tuple[str, str, Span]]:
    items = list(string_entries(value))
    for (item, index), (following, place) in zip_longest(items, items[1:], fillvalue=("", 0)):
        match = _PASSWORD_FLAG.match(f"{item} {following}")
        if match and "=" not in item and " " not in item:
            if following and not following.startswith("-"):
                yield match["flag"], following, value.at(place)
        else:
            yield from _secrets_in_line(service, item, value.at(index))


def _is_real(value: str) -> bool:
    """Whether a word is a password and no variable, path or placeholder."""
    bare = value.strip("\"'`;),")
    if len(bare) < 4 or has_variable(bare) or bare.startswith((".", "<", "{", "-", "%")):
        return False
    return not bare.isdigit() and secrets.classify_value("password", bare).is_exposed


def environment_quoted(variable: Variable) -> CheckOutcome:
    """A value in a list whose quotes become part of it."""
    setting = variable.setting
    listed = isinstance(variable.owner.node.get(variable.where), Seq)
    text = setting.raw_value if isinstance(setting.raw_value, str) else ""
    if listed and variable.where == "environment" and len(text) > 1 and text[0] in "\"'" and text[0] == text[-1]:
        yield hit(setting.span)


def secret_empty(variable: Variable) -> CheckOutcome:
    """A secret that is set to an empty value."""
    setting = variable.setting
    if variable.where == "environment" and setting.raw_value == "" and secrets.is_secret_name(setting.name):
        yield hit(setting.name_span)

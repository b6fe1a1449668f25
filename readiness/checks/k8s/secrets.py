"""Secrets written into manifests: in env, ConfigMaps, arguments and Secret objects. Values never leave this module."""

from __future__ import annotations

import base64
import binascii
import bisect
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from readiness.checks.k8s.logins import (
    copies_at_clients,
    is_login_idle,
    is_login_moot,
    is_name_of_secret,
    literal_settings,
    literal_variables,
    lowered_for_open_server,
    password_at_server,
    with_idle_login,
    with_idle_login_in_text,
)
from readiness.kinds.k8s.effective import is_generated_by_template, is_variable
from readiness.kinds.k8s.model import Container, Object
from readiness.kinds.purpose import is_non_production_path, is_sample_path
from readiness.model import (
    CheckOutcome,
    Hit,
    NotApplicable,
    Related,
    Severity,
    Source,
    Span,
    Undecidable,
    hit,
    line_starts,
)
from readiness.model.project import Project
from readiness.syntax import secrets
from readiness.syntax.certificates import Certificate, read_certificate
from readiness.syntax.secrets import SecretStrength, SecretVerdict
from readiness.syntax.yaml import Seq, literal_line_starts


def secret_in_env(container: Container, *, project: Project) -> CheckOutcome:
    """A variable of the container is a secret, and its value stands in the file; a login's copy is told at its server."""
    if not container.node.get("env") and not container.node.get("envFrom"):
        yield NotApplicable()
    judged = [
        (name, value, span, secrets.classify_value(name, value))
        for name, value, span in literal_variables(container)
        if not is_name_of_secret(container, name, value, project)
    ]
    # Values that only describe the secret that belongs there: whoever replaces one replaces them all.
    described = [span for *_, span, verdict in judged if verdict.is_exposed and verdict.is_description]
    settings = literal_settings(container)
    for name, value, span, verdict in judged:
        if is_reportable_secret(verdict, container.source) and is_generated_by_template(container.source, span):
            yield Undecidable(span)
        elif is_reportable_secret(verdict, container.source):
            if span in described[1:] or password_at_server(container, name, str(value), project) is not None:
                continue  # told with the first of them, or at the server
            if is_login_moot(container, name, verdict):
                continue  # told where authentication is switched off
            minor = is_login_idle(verdict, name, str(value), settings, project)
            related = [Related(one.source, one.span, LOGIN_COPY) for one in copies_at_clients(container, name, project)]
            if span in described:
                related += [Related(container.source, at, ALSO_DESCRIBED) for at in described[1:]]
            told = secret_hit(span, replace(verdict, is_minor=True) if minor else verdict, container.source, name=name)
            told = told._replace(related=tuple(related))
            idle = verdict.strength < SecretStrength.RANDOM
            yield lowered_for_open_server(told, container, name, str(value), project) if idle else told
        elif is_variable(value) and secrets.is_secret_name(name):
            yield Undecidable(span)


LOGIN_COPY = "a client logs in with it"
ALSO_DESCRIBED = "this value, too, only describes what belongs there"


def is_reportable_secret(verdict: SecretVerdict, source: Source) -> bool:
    """Whether a value is a secret in the open; one that says itself that it is to be changed is none in a sample."""
    return verdict.is_exposed and not (verdict.to_change and secrets.is_sample(source.root.path))


def secret_severity(verdict: SecretVerdict, source: Source) -> Severity | None:
    """How bad a secret in a manifest is: one that says itself that it is to be changed may be before it is applied.

    So may a word in a file for tests or development; what a machine made opens something anywhere. In what was taken for
    tests or an example only a key that somebody gave out does.
    """
    if verdict.is_minor or (_is_trial(source) and not is_issued_credential(verdict)):
        return Severity.LOW
    aside = is_non_production_path(source.root.path) or _is_for_development(source)
    trial = aside and verdict.strength < SecretStrength.RANDOM
    return Severity.MEDIUM if verdict.to_change or trial else None


def _is_for_development(source: Source) -> bool:
    """Whether all of a file was taken for development."""
    taken = source.root.purposes.get("")
    return taken is not None and taken.word == "development"


def _is_trial(source: Source) -> bool:
    """Whether all of a file was taken for tests or an example."""
    taken = source.root.purposes.get("")
    return taken is not None and taken.is_trial


def is_issued_credential(verdict: SecretVerdict) -> bool:
    """Whether a value has the shape of a credential that a service gave out: anybody can make a private key."""
    return verdict.strength is SecretStrength.SHAPE and verdict.reason != PRIVATE_KEY_REASON


def secret_description(verdict: SecretVerdict) -> str:
    """What a secret is called in a message."""
    return f"well-known {verdict.reason}" if verdict.is_guessed else verdict.reason


def secret_hit(span: Span, verdict: SecretVerdict, source: Source, **facts: str) -> Hit:
    """A hit on a secret that stands in a manifest: what it is called, and how bad it is."""
    verdict = secrets.with_comment(verdict, source.text, span.start)
    told = hit(span, severity=secret_severity(verdict, source), reason=secret_description(verdict))
    return told._replace(facts={**told.facts, **facts})


def secret_named_in_env(container: Container, *, words: Sequence[str]) -> CheckOutcome:
    """A variable whose name holds one of the words has any value in the file."""
    for name, value, span in literal_variables(container):
        lower = name.lower()
        if value not in {"", None} and not is_variable(value) and any(word in lower for word in words):
            yield hit(span, name=name)


def secret_as_env(container: Container) -> CheckOutcome:
    """A variable takes its value from a Secret."""
    for setting in container.variable_settings:
        secret = setting.reference.mapping_at_path("secretKeyRef")
        if secret:
            yield hit(setting.reference.at("secretKeyRef"), name=setting.name, secret=secret.string_under("name"))
    for env_source in container.node.mappings_under("envFrom"):
        reference = env_source.mapping_at_path("secretRef")
        if reference:
            yield hit(
                env_source.at("secretRef"),
                name="envFrom",
                secret=reference.string_under("name"),
            )


def cloud_key_static(container: Container, *, names: Sequence[str]) -> CheckOutcome:
    """A variable carries a cloud's long-lived key, from wherever it comes."""
    for setting in container.variable_settings:
        if setting.name in names and (setting.raw_value or setting.reference):
            yield hit(setting.name_span, name=setting.name)


# -- ConfigMaps ---------------------------------------------------------------------------------------------------


def secret_in_config_map(obj: Object, *, project: Project) -> CheckOutcome:
    """A value of a ConfigMap is a secret, or has one in its text."""
    data = obj.node.mapping_at_path("data")
    for key, value in data.items():
        if not isinstance(value, str):
            continue
        if "\n" not in value.strip():
            verdict = secrets.classify_value(key, value)
            if is_reportable_secret(verdict, obj.source) and is_generated_by_template(obj.source, data.at(key)):
                yield Undecidable(data.at(key))
            elif is_reportable_secret(verdict, obj.source):
                verdict = with_idle_login(verdict, obj.source, data.at(key), project)
                yield secret_hit(data.at(key), verdict, obj.source, key=key)
            continue
        program = _PROGRAM_CODE_FILENAME.search(key) is not None
        for span, inner in secrets_in_block(obj.source, data.at(key), value, program=program):
            if is_reportable_secret(inner, obj.source):
                yield secret_hit(span, with_idle_login(inner, obj.source, span, project), obj.source, key=key)


def secrets_in_block(source: Source, span: Span, value: str, *, program: bool = False) -> Iterator[tuple[Span, SecretVerdict]]:
    """Secrets in a text of several lines, at their own places where it is a literal block, else at the whole.

    In a `program` what stands without quotes is a name of its own, and no value.
    """
    starts = literal_line_starts(source.text, span, value)
    lines = line_starts(value)
    for secret in secrets.secrets_in_text(value):
        if program and secret.found_by_name and value[secret.span.start - 1 : secret.span.start] not in _QUOTE_CHARACTERS:
            continue
        if not starts:
            yield span, secret.verdict
            return
        row = bisect.bisect_right(lines, secret.span.start) - 1
        begin = starts[row] + secret.span.start - lines[row]
        yield Span(begin, begin + secret.span.end - secret.span.start), secret.verdict


_PROGRAM_CODE_FILENAME = re.compile(r"\.(?:[cm]?[jt]s|py|rb|go|java|php|lua|groovy|kts?)\Z")
_QUOTE_CHARACTERS = ('"', "'", "`")


def secret_named_in_config_map(obj: Object, *, words: Sequence[str]) -> CheckOutcome:
    """A ConfigMap has a key whose name holds one of the words, with any value."""
    data = obj.node.mapping_at_path("data")
    for key, value in data.items():
        if value not in {"", None} and not is_variable(value) and any(w in key.lower() for w in words):
            yield hit(data.at(key), key=key)


# -- arguments ----------------------------------------------------------------------------------------------------


def secret_in_arguments(container: Container, *, project: Project) -> CheckOutcome:
    """The command line of a container holds a secret, as `--password=…`, `--token …` or a key by its shape."""
    for values in container.command_lists():
        for index, value in enumerate(values):
            verdict = secret_verdict_on_argument(values, index) if isinstance(value, str) else None
            if verdict is not None and is_reportable_secret(verdict, container.source):
                if verdict.reach is not None and is_login_idle(verdict, "", value, {}, project):
                    verdict = replace(verdict, is_minor=True)
                yield secret_hit(values.at(index), verdict, container.source)


def secret_verdict_on_argument(values: Seq, index: int) -> SecretVerdict | None:
    """What one argument is: by its text, or by the flag before it."""
    value = values[index]
    secret = next(secrets.secrets_in_text(value), None)
    if secret is not None:
        return secret.verdict
    flag = values[index - 1] if index else None
    if not isinstance(flag, str) or not flag.startswith("-") or "=" in flag:
        return None
    return secrets.classify_value(flag.lstrip("-"), value) if not value.startswith("-") else None


PRIVATE_KEY_REASON = "private key"


# -- Secret objects -----------------------------------------------------------------------------------------------


def secret_committed(obj: Object, *, project: Project) -> CheckOutcome:
    """A Secret object holds its values in the file; a key is minor whose certificate has run out, or was made for a test."""
    if "sops" in obj.node or obj.node.get("type") == "kubernetes.io/service-account-token":
        return
    for field in ("data", "stringData"):
        data = obj.node.mapping_at_path(field)
        texts = {key: _plain_text(field, value) for key, value in data.items() if isinstance(value, str)}
        for key, value in data.items():
            if not isinstance(value, str) or value.startswith("ENC["):
                continue
            if is_variable(value):
                yield Undecidable(data.at(key))
                continue
            verdict = secret_verdict_on_data(key, texts[key])
            if verdict.reason == PRIVATE_KEY_REASON:
                verdict = replace(verdict, is_minor=_opens_little(_certificate_of_key(key, texts), obj.source, project))
            if is_reportable_secret(verdict, obj.source) and is_generated_by_template(obj.source, data.at(key)):
                yield Undecidable(data.at(key))
            elif is_reportable_secret(verdict, obj.source):
                span = data.at(key)
                if field == "stringData" and "\n" in value.strip():
                    span = next((at for at, _ in secrets_in_block(obj.source, span, value)), span)
                verdict = with_idle_login(verdict, obj.source, data.at(key), project)
                verdict = verdict if verdict.is_minor else with_idle_login_in_text(verdict, texts[key], project)
                told = secret_hit(span, verdict, obj.source, key=key)
                known_key = verdict.reason == PRIVATE_KEY_REASON and not verdict.is_minor  # its certificate has told
                yield told._replace(severity=None) if known_key else told


def _plain_text(field: str, value: str) -> str:
    """What a value of a Secret object says: base64 under `data`."""
    return decode_base64(value) if field == "data" else value


def _certificate_of_key(key: str, texts: Mapping[str, str]) -> Certificate | None:
    """The certificate beside a key: of the same stem (`tls.key`, `tls.crt`), else the only one of the object."""
    written = {name: found for name, text in texts.items() if (found := read_certificate(text)) is not None}
    stem = key.rpartition(".")[0]
    same = [found for name, found in written.items() if stem and name.rpartition(".")[0] == stem]
    found_beside = same or list(written.values())
    return found_beside[0] if len(found_beside) == 1 else None


def _opens_little(certificate: Certificate | None, source: Source, project: Project) -> bool:
    """Whether a private key is of little worth: its certificate has run out, or it was made for a test or an example.

    There the key of a certificate that an authority known outside has signed is worth what it is anywhere.
    """
    if certificate is not None and certificate.has_expired(project.today):
        return True
    trial = is_non_production_path(source.root.path) or is_sample_path(source.root.path)
    return trial and (certificate is None or certificate.is_self_made)


def decode_base64(value: str) -> str:
    """The text behind base64; an empty one where it is no text."""
    try:
        return base64.b64decode("".join(value.split()), validate=True).decode("utf-8")
    except (binascii.Error, ValueError):
        return ""


def secret_verdict_on_data(key: str, plain: str) -> SecretVerdict:
    """What a value of a Secret object is: some keys hold a credential whatever it looks like, a user name is none."""
    verdict = secrets.classify_value(key, plain)
    if verdict.is_exposed or not plain.strip():
        return verdict
    secret = next(secrets.secrets_in_text(plain), None)
    return secret.verdict if secret is not None else verdict

"""Secrets written into manifests: in env, ConfigMaps, arguments and Secret objects. Values never leave this module."""

from __future__ import annotations

import base64
import binascii
import bisect
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from readiness.checks.k8s.doors import PRIVATE_KEY_REASON, does_secret_let_stranger_in, is_secret_in_use, lets_stranger_in, lower_unless_proven
from readiness.checks.k8s.logins import (
    copies_at_clients,
    is_login_idle,
    is_login_moot,
    is_secret_object_name,
    literal_text_by_variable,
    literal_variables,
    lowered_for_open_server,
    password_at_server,
    verdict_with_idle_login,
    verdict_with_idle_login_in_text,
)
from readiness.kinds.k8s.effective import is_filled_in_value, is_generated_by_template
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
from readiness.model.lazy_regex import lazy_regex
from readiness.model.project import Project
from readiness.syntax import secrets
from readiness.syntax.certificates import Certificate, parse_first_pem_certificate
from readiness.syntax.secrets import SecretStrength, SecretVerdict
from readiness.syntax.yaml import Seq, literal_line_starts


def secret_in_env(container: Container, *, project: Project) -> CheckOutcome:
    """A variable of the container is a secret, and its value stands in the file; a login's copy is told at its server."""
    if not container.node.get("env") and not container.node.get("envFrom"):
        yield NotApplicable()
    judged_variables = [
        (variable_name, variable_value, span, secrets.classify_value(variable_name, variable_value))
        for variable_name, variable_value, span in literal_variables(container)
        if not is_secret_object_name(container, variable_name, variable_value, project)
    ]
    # Values that only describe the secret that belongs there: whoever replaces one replaces them all.
    description_spans = [span for *_, span, verdict in judged_variables if verdict.is_exposed and verdict.is_description]
    text_by_variable = literal_text_by_variable(container)
    for variable_name, variable_value, span, verdict in judged_variables:
        if is_reportable_secret(verdict, container.source) and is_generated_by_template(container.source, span):
            yield Undecidable(span)
        elif is_reportable_secret(verdict, container.source):
            if span in description_spans[1:] or password_at_server(container, variable_name, str(variable_value), project) is not None:
                continue  # told with the first of them, or at the server
            if is_login_moot(container, variable_name, verdict):
                continue  # told where authentication is switched off
            is_idle = is_login_idle(verdict, variable_name, str(variable_value), text_by_variable, project)
            related_locations = [Related(one.source, one.span, LOGIN_COPY_MESSAGE) for one in copies_at_clients(container, variable_name, project)]
            if span in description_spans:
                related_locations += [
                    Related(container.source, description_span, ALSO_DESCRIBED_MESSAGE) for description_span in description_spans[1:]
                ]
            env_secret_hit = secret_hit(span, replace(verdict, is_minor=True) if is_idle else verdict, container.source, name=variable_name)
            env_secret_hit = env_secret_hit._replace(related=tuple(related_locations))
            is_weak_secret = verdict.strength < SecretStrength.RANDOM
            if is_weak_secret:
                env_secret_hit = lowered_for_open_server(env_secret_hit, container, variable_name, str(variable_value), project)
            is_door = lets_stranger_in(container, variable_name, project)
            yield lower_unless_proven(env_secret_hit, verdict, container.source, name=variable_name, is_door=is_door)
        elif is_filled_in_value(variable_value) and secrets.is_secret_name(variable_name):
            yield Undecidable(span)


LOGIN_COPY_MESSAGE = "a client logs in with it"
ALSO_DESCRIBED_MESSAGE = "this value, too, only describes what belongs there"


def is_reportable_secret(verdict: SecretVerdict, source: Source) -> bool:
    """Whether a value is a secret in the open; one that says itself that it is to be changed is none in a sample."""
    return verdict.is_exposed and not (verdict.to_change and secrets.is_sample_filename(source.root.path))


def secret_severity(verdict: SecretVerdict, source: Source) -> Severity | None:
    """How bad a secret in a manifest is: one that says itself that it is to be changed may be before it is applied.

    So may a word in a file for tests or development; what a machine made opens something anywhere. In what was taken for
    tests or an example only a key that somebody gave out does.
    """
    if verdict.is_minor or (_is_test_or_example(source) and not is_issued_credential(verdict)):
        return Severity.LOW
    is_outside_production = is_non_production_path(source.root.path) or _is_development_file(source)
    is_weak_outside_production = is_outside_production and verdict.strength < SecretStrength.RANDOM
    return Severity.MEDIUM if verdict.to_change or verdict.says_test or is_weak_outside_production else None


def _is_development_file(source: Source) -> bool:
    """Whether all of a file was taken for development."""
    file_purpose = source.root.purposes.get("")
    return file_purpose is not None and file_purpose.word == "development"


def _is_test_or_example(source: Source) -> bool:
    """Whether all of a file was taken for tests or an example."""
    file_purpose = source.root.purposes.get("")
    return file_purpose is not None and file_purpose.is_trial


def is_issued_credential(verdict: SecretVerdict) -> bool:
    """Whether a value has the shape of a credential that a service gave out: anybody can make a private key."""
    return verdict.strength is SecretStrength.SHAPE and verdict.reason != PRIVATE_KEY_REASON


def secret_description(verdict: SecretVerdict) -> str:
    """What a secret is called in a message."""
    if verdict.to_change:
        return f"placeholder for a {verdict.reason}"
    return f"well-known {verdict.reason}" if verdict.is_guessed else verdict.reason


def secret_hit(span: Span, verdict: SecretVerdict, source: Source, **facts: str) -> Hit:
    """A hit on a secret that stands in a manifest: what it is called, and how bad it is."""
    verdict = secrets.verdict_with_public_comment(verdict, source.text, span.start)
    hit_on_secret = hit(span, severity=secret_severity(verdict, source), reason=secret_description(verdict))
    return hit_on_secret._replace(facts={**hit_on_secret.facts, **facts})


def secret_named_in_env(container: Container, *, words: Sequence[str]) -> CheckOutcome:
    """A variable whose name holds one of the words has any value in the file."""
    for variable_name, variable_value, span in literal_variables(container):
        lowercase_name = variable_name.lower()
        if variable_value not in {"", None} and not is_filled_in_value(variable_value) and any(word in lowercase_name for word in words):
            yield hit(span, name=variable_name)


def secret_as_env(container: Container) -> CheckOutcome:
    """A variable takes its value from a Secret."""
    for variable_setting in container.variable_settings:
        secret_key_ref = variable_setting.reference.mapping_at_path("secretKeyRef")
        if secret_key_ref:
            yield hit(
                variable_setting.reference.at("secretKeyRef"),
                name=variable_setting.name,
                secret=secret_key_ref.string_under("name"),
            )
    for env_source in container.node.mappings_under("envFrom"):
        secret_ref = env_source.mapping_at_path("secretRef")
        if secret_ref:
            yield hit(
                env_source.at("secretRef"),
                name="envFrom",
                secret=secret_ref.string_under("name"),
            )


def cloud_key_static(container: Container, *, names: Sequence[str]) -> CheckOutcome:
    """A variable carries a cloud's long-lived key, from wherever it comes."""
    for variable_setting in container.variable_settings:
        if variable_setting.name in names and (variable_setting.raw_value or variable_setting.reference):
            yield hit(variable_setting.name_span, name=variable_setting.name)


# -- ConfigMaps ---------------------------------------------------------------------------------------------------


def secret_in_config_map(obj: Object, *, project: Project) -> CheckOutcome:
    """A value of a ConfigMap is a secret, or has one in its text."""
    config_map_data = obj.node.mapping_at_path("data")
    for data_key, data_value in config_map_data.items():
        if not isinstance(data_value, str):
            continue
        if "\n" not in data_value.strip():
            verdict = secrets.classify_value(data_key, data_value)
            if is_reportable_secret(verdict, obj.source) and is_generated_by_template(obj.source, config_map_data.at(data_key)):
                yield Undecidable(config_map_data.at(data_key))
            elif is_reportable_secret(verdict, obj.source):
                verdict = verdict_with_idle_login(verdict, obj.source, config_map_data.at(data_key), project)
                config_map_hit = secret_hit(config_map_data.at(data_key), verdict, obj.source, key=data_key)
                yield lower_unless_proven(config_map_hit, verdict, obj.source, name=data_key, is_door=False)
            continue
        is_program_code = _PROGRAM_CODE_FILENAME_PATTERN.search(data_key) is not None
        for secret_span, inner_verdict in secrets_in_block(obj.source, config_map_data.at(data_key), data_value, program=is_program_code):
            if is_reportable_secret(inner_verdict, obj.source):
                final_verdict = verdict_with_idle_login(inner_verdict, obj.source, secret_span, project)
                block_hit = secret_hit(secret_span, final_verdict, obj.source, key=data_key)
                yield lower_unless_proven(block_hit, final_verdict, obj.source, name=name_before(obj.source, secret_span), is_door=False)


def secrets_in_block(source: Source, span: Span, value: str, *, program: bool = False) -> Iterator[tuple[Span, SecretVerdict]]:
    """Secrets in a text of several lines, at their own places where it is a literal block, else at the whole.

    In a `program` what stands without quotes is a name of its own, and no value.
    """
    source_line_starts = literal_line_starts(source.text, span, value)
    block_line_starts = line_starts(value)
    for found_secret in secrets.secrets_in_text(value):
        if program and found_secret.found_by_name and value[found_secret.span.start - 1 : found_secret.span.start] not in _QUOTE_CHARACTERS:
            continue
        if not source_line_starts:
            yield span, found_secret.verdict
            return
        line_index = bisect.bisect_right(block_line_starts, found_secret.span.start) - 1
        secret_start = source_line_starts[line_index] + found_secret.span.start - block_line_starts[line_index]
        yield Span(secret_start, secret_start + found_secret.span.end - found_secret.span.start), found_secret.verdict


def name_before(source: Source, span: Span) -> str:
    """The name that stands before a value on its line, as `session_secret: ` or `TOKEN=`; empty where none does."""
    line_start = source.text.rfind("\n", 0, span.start) + 1
    match = _NAME_BEFORE_VALUE.search(source.text[line_start : span.start])
    return match[1] if match else ""


_NAME_BEFORE_VALUE = lazy_regex(r"(?<![\w-])([A-Za-z][\w-]{0,80})[\"']?[ ]{0,8}[:=][ ]{0,8}[\"']?\Z")
_PROGRAM_CODE_FILENAME_PATTERN = lazy_regex(r"\.(?:[cm]?[jt]s|py|rb|go|java|php|lua|groovy|kts?)\Z")
_QUOTE_CHARACTERS = ('"', "'", "`")


def secret_named_in_config_map(obj: Object, *, words: Sequence[str]) -> CheckOutcome:
    """A ConfigMap has a key whose name holds one of the words, with any value."""
    config_map_data = obj.node.mapping_at_path("data")
    for data_key, data_value in config_map_data.items():
        if data_value not in {"", None} and not is_filled_in_value(data_value) and any(w in data_key.lower() for w in words):
            yield hit(config_map_data.at(data_key), key=data_key)


# -- arguments ----------------------------------------------------------------------------------------------------


def secret_in_arguments(container: Container, *, project: Project) -> CheckOutcome:
    """The command line of a container holds a secret, as `--password=…`, `--token …` or a key by its shape."""
    for command_list in container.command_lists():
        for index, argument in enumerate(command_list):
            verdict = secret_verdict_on_argument(command_list, index) if isinstance(argument, str) else None
            if verdict is not None and is_reportable_secret(verdict, container.source):
                if verdict.reach is not None and is_login_idle(verdict, "", argument, {}, project):
                    verdict = replace(verdict, is_minor=True)
                argument_hit = secret_hit(command_list.at(index), verdict, container.source)
                yield lower_unless_proven(argument_hit, verdict, container.source, name="", is_door=_is_open_store(container, project))


def _is_open_store(container: Container, project: Project) -> bool:
    """Whether a container runs a store that strangers reach, so that what its command line sets lets them in."""
    return lets_stranger_in(container, "PASSWORD", project)


def secret_verdict_on_argument(values: Seq, index: int) -> SecretVerdict | None:
    """What one argument is: by its text, or by the flag before it."""
    argument = values[index]
    found_secret = next(secrets.secrets_in_text(argument), None)
    if found_secret is not None:
        return found_secret.verdict
    previous_argument = values[index - 1] if index else None
    if not isinstance(previous_argument, str) or not previous_argument.startswith("-") or "=" in previous_argument:
        return None
    return secrets.classify_value(previous_argument.lstrip("-"), argument) if not argument.startswith("-") else None


# -- Secret objects -----------------------------------------------------------------------------------------------


def secret_committed(obj: Object, *, project: Project) -> CheckOutcome:
    """A Secret object holds its values in the file; a key is minor whose certificate has run out, or was made for a test."""
    if "sops" in obj.node or obj.node.get("type") == "kubernetes.io/service-account-token":
        return
    for data_field in ("data", "stringData"):
        secret_data = obj.node.mapping_at_path(data_field)
        plain_text_by_key = {
            data_key: _decoded_value(data_field, data_value) for data_key, data_value in secret_data.items() if isinstance(data_value, str)
        }
        for data_key, data_value in secret_data.items():
            if not isinstance(data_value, str) or data_value.startswith("ENC["):
                continue
            if is_filled_in_value(data_value):
                yield Undecidable(secret_data.at(data_key))
                continue
            verdict = secret_verdict_on_data(data_key, plain_text_by_key[data_key])
            if verdict.reason == PRIVATE_KEY_REASON:
                verdict = replace(
                    verdict,
                    is_minor=_is_private_key_of_little_worth(_certificate_of_key(data_key, plain_text_by_key), obj.source, project),
                )
            if is_reportable_secret(verdict, obj.source) and is_generated_by_template(obj.source, secret_data.at(data_key)):
                yield Undecidable(secret_data.at(data_key))
            elif is_reportable_secret(verdict, obj.source):
                secret_span = secret_data.at(data_key)
                if data_field == "stringData" and "\n" in data_value.strip():
                    secret_span = next((inner_span for inner_span, _ in secrets_in_block(obj.source, secret_span, data_value)), secret_span)
                verdict = verdict_with_idle_login(verdict, obj.source, secret_data.at(data_key), project)
                verdict = verdict if verdict.is_minor else verdict_with_idle_login_in_text(verdict, plain_text_by_key[data_key], project)
                committed_secret_hit = secret_hit(secret_span, verdict, obj.source, key=data_key)
                is_live_private_key = verdict.reason == PRIVATE_KEY_REASON and not verdict.is_minor  # its certificate has told
                committed_secret_hit = committed_secret_hit._replace(severity=None) if is_live_private_key else committed_secret_hit
                is_door = does_secret_let_stranger_in(obj, data_key, project)
                is_key_in_use = is_live_private_key and is_secret_in_use(obj, project)
                yield lower_unless_proven(committed_secret_hit, verdict, obj.source, name=data_key, is_door=is_door, is_key_in_use=is_key_in_use)


def _decoded_value(data_field: str, written_value: str) -> str:
    """What a value of a Secret object says: base64 under `data`."""
    return decode_base64(written_value) if data_field == "data" else written_value


def _certificate_of_key(key_name: str, text_by_name: Mapping[str, str]) -> Certificate | None:
    """The certificate beside a key: of the same stem (`tls.key`, `tls.crt`), else the only one of the object."""
    certificate_by_name = {name: certificate for name, text in text_by_name.items() if (certificate := parse_first_pem_certificate(text)) is not None}
    stem = key_name.rpartition(".")[0]
    same_stem_certificates = [certificate for name, certificate in certificate_by_name.items() if stem and name.rpartition(".")[0] == stem]
    candidates = same_stem_certificates or list(certificate_by_name.values())
    return candidates[0] if len(candidates) == 1 else None


def _is_private_key_of_little_worth(certificate: Certificate | None, source: Source, project: Project) -> bool:
    """Whether a private key is of little worth: its certificate has run out, or it was made for a test or an example.

    There the key of a certificate that an authority known outside has signed is worth what it is anywhere.
    """
    if certificate is not None and certificate.has_expired(project.today):
        return True
    is_test_or_example = is_non_production_path(source.root.path) or is_sample_path(source.root.path)
    return is_test_or_example and (certificate is None or certificate.is_self_made)


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
    found_secret = next(secrets.secrets_in_text(plain), None)
    return found_secret.verdict if found_secret is not None else verdict

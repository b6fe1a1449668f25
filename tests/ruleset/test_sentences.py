"""Sentences that users read stand in rule files: a check gives the facts, and names the sentence."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from readiness.ruleset import examples
from tests.conftest import catalogue
from tests.hit_facts import default_path, seen

WORDS = re.compile(r"[a-z]{2,},? [a-z]{2,}")  # a fact with two words that stand in no example was put together in code
JOINED = re.compile(r",? (?:and|or) |, ")  # what model.join_names puts between names
HINT = re.compile(r"; did you mean '[^']*'\?\Z")  # model.spelling says it, in one way for all

PARSER = "what the parser of the language says, as it says it"
NAME = "what a thing is called"
SORT = "the sort of a secret, as the judge of secrets names it"
LEFT = "a clause that several checks share and that is still put together in code"
IN_CODE = {
    "ci.expressions.expression_invalid reason": PARSER,
    "ci.python.python_step_broken reason": PARSER,
    "ci.triggers.schedule_invalid reason": PARSER,
    "compose.validity.env_file_invalid problem": PARSER,
    "compose.validity.interpolation_invalid problem": PARSER,
    "dockerfile.stages.instruction_invalid reason": PARSER,
    "k8s.carried.config_map_nginx_broken reason": PARSER,
    "k8s.jobs.cron_schedule_invalid why": PARSER,
    "ci.delivery.deploy_environment_missing how": NAME,
    "compose.network.debugger_published what": NAME,
    "ci.delivery.smoke_test_missing how": NAME,
    "ci.expressions.expression_type_wrong kind": NAME,
    "ci.expressions.expression_type_wrong left": NAME,
    "ci.jobs.container_password_inline what": NAME,
    "ci.metadata.action_metadata_invalid thing": NAME,
    "ci.schema.workflow_key_missing thing": NAME,
    "ci.schema.workflow_key_unknown thing": NAME,
    "ci.trust.all_permissions where": NAME,
    "compose.network.console_published what": NAME,
    "compose.validity.key_unknown owner": NAME,
    "dockerfile.process.process_development_server server": NAME,
    "dockerfile.reach.context_with_secrets what": NAME,
    "k8s.rbac.role_wildcard held": NAME,
    "compose.secrets.env_file_committed reason": SORT,
    "compose.secrets.secret_inline reason": SORT,
    "ci.secrets.secret_inline reason": SORT,
    "dockerfile.secrets.secret_in_command reason": SORT,
    "dockerfile.secrets.secret_in_environment reason": SORT,
    "k8s.releases.secret_in_release_values reason": SORT,
    "k8s.secrets.secret_committed reason": SORT,
    "k8s.secrets.secret_in_arguments reason": SORT,
    "k8s.secrets.secret_in_config_map reason": SORT,
    "k8s.secrets.secret_in_env reason": SORT,
    "nginx.structure.credential_inline reason": SORT,
    "ci.pull_request_code.foreign_code_checkout what": LEFT,
    "compose.validity.key_unknown hint": LEFT,
    "dockerfile.dialect.not_posix what": LEFT,
    "dockerfile.downloads.tls_verification_off_setting setting": LEFT,
    "dockerfile.tools.starter_missing tool": LEFT,
    "dockerfile.values.variable_undefined reason": LEFT,
    "dockerfile.variables.unset_variable reason": LEFT,
    "k8s.apis.kind_unknown where": LEFT,
    "k8s.flags.flag_below_minimum value": LEFT,
    "k8s.gateway.gateway_backend_unresolved where": LEFT,
    "k8s.ingress.ingress_backend_unresolved where": LEFT,
    "k8s.namespaces.pss_namespace_enforce what": LEFT,
    "k8s.pss.pss_control_broken what": LEFT,
    "k8s.rbac.rbac_role_dangling where": LEFT,
    "k8s.references.key_unresolved what": LEFT,
    "k8s.references.object_unresolved where": LEFT,
    "k8s.references.service_account_unresolved where": LEFT,
    "k8s.releases.privileged_in_release_values right": LEFT,
    "k8s.rollout.restart_policy_invalid value": LEFT,
    "k8s.scaling.autoscaler_target_unresolved where": LEFT,
    "k8s.security.run_as_id_low value": LEFT,
    "k8s.storage.stateful_set_service_wrong where": LEFT,
    "nginx.exposure.filesystem_root_served how": LEFT,
    "project.tools.healthcheck_tool_missing more": LEFT,
    "project.probes.probe_tool_missing more": LEFT,
    "k8s.disruption.disruption_budget_selects_nothing where": LEFT,
    "k8s.policies.network_policy_peer_unresolved where": LEFT,
    "k8s.policies.network_policy_selects_nothing where": LEFT,
    "k8s.services.service_monitor_selects_nothing where": LEFT,
    "k8s.endpoints.service_selects_nothing where": LEFT,
}  # fmt: skip


def is_phrase(value: object, shown: str) -> bool:
    """Whether a fact holds words that stand in no text of the examples, and is no list of names and no hint."""
    if not isinstance(value, str) or HINT.match(value):
        return False
    return any(found not in shown for part in JOINED.split(value) for found in WORDS.findall(part))


def phrases() -> Iterator[tuple[str, str]]:
    """The facts of hits on bad examples that were put together in code, as `check fact`, each with its value."""
    for bound in catalogue():
        made = examples.rule_examples(bound, default_path(bound)) if bound.check_name else ()
        shown = " ".join(text for one in made for text in one.files.values())
        for _, hit in seen(bound.tally_key) if bound.check_name else ():
            for name, value in hit.facts.items():
                if is_phrase(value, shown):
                    yield f"{bound.check_name} {name}", str(value)


def test_no_check_builds_a_sentence() -> None:
    found = dict(phrases())
    assert {key: text for key, text in found.items() if key not in IN_CODE} == {}, (
        "name a sentence of the rule file with `say`, and give it the facts"
    )
    assert sorted(IN_CODE.keys() - found.keys()) == [], "no hit has that any more"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("is not set", True),
        ("has no key of that name", True),
        ("read and write", False),
        ("push, pull_request or schedule", False),
        ("; did you mean 'on'?", False),
        ("stands here", False),
        (5, False),
    ],
)
def test_what_a_phrase_is(value: object, expected: bool) -> None:
    assert is_phrase(value, "what stands here in the example") is expected

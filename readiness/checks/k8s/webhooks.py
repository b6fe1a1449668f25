"""Admission webhooks: what stops when the program behind one does."""

from __future__ import annotations

from typing import Any

from readiness.checks.k8s.written import unknown_in_fragments
from readiness.kinds.k8s.model import Object
from readiness.model import CheckOutcome, hit
from readiness.syntax.yaml import Map, Seq


def webhook_for_review(obj: Object) -> CheckOutcome:
    """Every webhook of the configuration."""
    for webhook in obj.node.mappings_under("webhooks"):
        yield hit(webhook.at("name"), name=webhook.get("name", ""))


@unknown_in_fragments
def webhook_blocks_pods(obj: Object) -> CheckOutcome:
    """A webhook is asked for every pod of every namespace, and a pod is refused while nothing answers."""
    for webhook in obj.node.mappings_under("webhooks"):
        if failure_policy(obj, webhook) != "Fail" or excludes_some_namespaces_or_objects(webhook):
            continue
        if any(matches_pod_creation(rule) for rule in webhook.mappings_under("rules")):
            reported_key = "failurePolicy" if "failurePolicy" in webhook else "name"
            yield hit(webhook.at(reported_key), name=webhook.get("name", ""))


def failure_policy(obj: Object, webhook: Map) -> Any:
    """What happens while a webhook does not answer; v1 refuses where nothing is written, v1beta1 let requests pass."""
    written_policy = webhook.get("failurePolicy")
    if written_policy is None:
        return "Ignore" if obj.api_version.endswith("/v1beta1") else "Fail"
    return written_policy


def excludes_some_namespaces_or_objects(webhook: Map) -> bool:
    """Whether the webhook leaves out some namespaces or objects."""
    namespace_and_object_selectors = (webhook.mapping_at_path(key) for key in ("namespaceSelector", "objectSelector"))
    return any(namespace_and_object_selectors) or bool(webhook.get("matchConditions"))


def matches_pod_creation(rule: Map) -> bool:
    """Whether a rule of a webhook matches the creation of pods."""
    matching_values_by_key = {
        "operations": {"*", "CREATE"},
        "resources": {"*", "*/*", "pods", "pods/*"},
        "apiGroups": {"*", ""},
    }
    for rule_key, matching_values in matching_values_by_key.items():
        rule_values = rule.get(rule_key)
        if not isinstance(rule_values, Seq) or not matching_values & {value for value in rule_values if isinstance(value, str)}:
            return False
    return rule.get("scope") != "Cluster"

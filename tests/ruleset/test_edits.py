"""`edit` in rule files: its shape, who has to have one, and whether what it writes mends what the rule finds."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from readiness.model import Finding, Rule, RuleEdit
from readiness.ruleset import examples
from readiness.ruleset.edits import is_edit_shape, make_rule_edit
from readiness.ruleset.examples import Example
from readiness.ruleset.rule_file import RuleError, load_rule_spec, rule_error_factory
from readiness.ruleset.rules import read_own_rule_tiers
from tests.conftest import by_rule
from tests.make import write_files
from tests.ruleset.test_rules import check, default_path

RULE = """\
title: A thing of ours
severity: low
category: delivery
target: k8s.object
require: {metadata.labels.owner: present}
message: "{resource} has no owner"
why: Nobody knows whom to call.
fix: Add the label.
"""


def own(root: Path, edit: str, more: str = "") -> RuleEdit | None:
    write_files(root, {"k8s/mine.yaml": f"{RULE}edit: {edit}\n{more}"})
    return read_own_rule_tiers("k8s/mine", root / "k8s/mine.yaml")[0].rule.edit


READ = {
    "labels": RuleEdit("labels"),
    "{at: labels}": RuleEdit("labels"),
    "{at: NetworkPolicy, in: resource}": RuleEdit("NetworkPolicy", "resource"),
    "{at: labels, write: {labels: {team: blue}}}": RuleEdit("labels", "subject", {"labels": {"team": "blue"}}),
    "{at: logs, in: file}": RuleEdit("logs", "file"),
}


@pytest.mark.parametrize("edit", READ)
def test_what_a_rule_file_says_is_read(tmp_path: Path, edit: str) -> None:
    assert own(tmp_path, edit) == READ[edit]


WRITTEN_BY_TARGET = {
    "k8s.object": "{labels: {a: b}}",
    "compose.service": "{user: '10001'}",
    "github.job": "{timeout-minutes: 10}",
    "gitlab.job": "{interruptible: true}",
    "dependabot.update": "{open-pull-requests-limit: 5}",
    "dockerfile.stage": "'USER 10001'",
    "nginx.server": "'server_tokens off;'",
    "dotenv.variable": "'A=b'",
}


def own_of_target(root: Path, target: str, written: str) -> RuleEdit | None:
    rule_text = RULE.replace("k8s.object", target).replace("require: {metadata.labels.owner: present}\n", "check: dockerfile.user.user_root\n")
    write_files(root, {"k8s/mine.yaml": f"{rule_text}edit: {{at: labels, write: {written}}}\n"})
    return make_rule_edit(load_rule_spec(root / "k8s/mine.yaml"), rule_error_factory(root / "k8s/mine.yaml"))


@pytest.mark.parametrize("target", WRITTEN_BY_TARGET)
def test_what_is_written_fits_the_file_that_a_rule_is_about(tmp_path: Path, target: str) -> None:
    written = WRITTEN_BY_TARGET[target]
    edit = own_of_target(tmp_path, target, written)
    assert edit is not None
    assert edit.text == yaml.safe_load(written)
    for other in WRITTEN_BY_TARGET.values():
        if (other[0] == "{") == (written[0] == "{"):
            own_of_target(tmp_path, target, other)
        else:
            kind, wanted = target.partition(".")[0], "a mapping" if written[0] == "{" else "lines of text"
            with pytest.raises(RuleError, match=rf"k8s/mine\.yaml:9: edit: `write` is {wanted} in a rule on {kind}"):
                own_of_target(tmp_path, target, other)


def test_a_text_in_a_rule_on_yaml_is_refused_where_rules_are_loaded(tmp_path: Path) -> None:
    with pytest.raises(RuleError, match=r"`write` is a mapping in a rule on k8s, such as \{KEY: VALUE\}"):
        own(tmp_path, '{at: securityContext, write: "USER 1"}')


def test_a_rule_on_files_of_both_sorts_writes_nothing(tmp_path: Path) -> None:
    for written in WRITTEN_BY_TARGET.values():
        with pytest.raises(RuleError, match=r"leave `write` out"):
            own_of_target(tmp_path, "[github.job, dockerfile.stage]", written)


def test_the_limit_of_a_name_is_told(tmp_path: Path) -> None:
    with pytest.raises(RuleError, match=r"NAME has at most 40 characters"):
        own(tmp_path, "x" * 41)
    assert own(tmp_path, "x" * 40) == RuleEdit("x" * 40)


REFUSED = {
    "number": "7",
    "empty": "''",
    "control character": '"a\\u0007"',
    "long name": "x" * 41,
    "no place": "{write: {a: b}}",
    "unknown place": "{at: labels, in: cluster}",
    "unknown key": "{at: labels, of: file}",
    "empty mapping": "{at: labels, write: {}}",
    "list": "{at: labels, write: [a]}",
    "control character in text": '{at: labels, write: "a\\u001b[31m"}',
    "control character in a value": '{at: labels, write: {a: "\\u202e"}}',
    "too many": "{at: labels, write: {a: [" + "1, " * 50 + "]}}",
    "too deep": "{at: labels, write: {a: {b: {c: {d: {e: {f: {g: h}}}}}}}}",
    "nothing": "{at: labels, write: {a: null}}",
}


@pytest.mark.parametrize("name", REFUSED)
def test_anything_else_is_refused_with_its_line(tmp_path: Path, name: str) -> None:
    with pytest.raises(RuleError, match=r"k8s/mine\.yaml:9: edit must be a name such as `securityContext`, or \{at: NAME"):
        own(tmp_path, REFUSED[name])


def test_an_alias_that_goes_on_for_ever_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RuleError):
        own(tmp_path, "{at: labels, write: &a {a: *a}}")
    cycle: dict[str, Any] = {}
    cycle["a"] = cycle
    assert not is_edit_shape({"at": "labels", "write": cycle})


def test_a_tier_may_write_something_else(tmp_path: Path) -> None:
    tiers = "tiers:\n  recommended: {}\n  strict: {edit: {at: labels, write: {labels: {team: blue}}}}\n"
    own(tmp_path, "labels", tiers)
    rule = read_own_rule_tiers("k8s/mine", tmp_path / "k8s/mine.yaml")[0].rule
    assert [tier.edit for tier in rule.tiers] == [RuleEdit("labels"), RuleEdit("labels", "subject", {"labels": {"team": "blue"}})]
    assert rule.edit == RuleEdit("labels")


# -- who has to have one --------------------------------------------------------------------------------------------
WRITTEN_KEY = {
    **dict.fromkeys(("k8s", "compose", "ci"), re.compile(r"([A-Za-z][\w-]*)(?:\.[\w-]+)*(?:: |:$|$)")),
    "dockerfile": re.compile(r"([A-Z]{2,})\b"),
    "nginx": re.compile(r"([a-z][a-z0-9_]+) .*;$"),
}
# The rules whose fix writes a key that another rule's writes too, and that name no place, by the reason why.
WITHOUT_PLACE = {
    "one of them is about the key, the other about what stands somewhere else": """
        ci/needs: expression-name-undefined needs-invalid; ci/if: condition-constant rollback-undeployed; ci/uses: checkout-missing
        ci/name: action-metadata-invalid name-missing; ci/github: actor-compared trusts-actor
        ci/on: deploy-from-any-branch foreign-code-checkout trigger-dangerous
        compose/image: build-in-production image-missing; compose/depends_on: dependency-cycle links-used order
        compose/volumes: reference-undefined; compose/healthcheck: dependency-health-unknown; compose/deploy: key-unknown replica-single
        compose/ports: order; compose/configs: mount-source-unresolved; compose/container_name: container-name-repeated
        dockerfile/USER: sudo-used; dockerfile/EXPOSE: port-undeclared; dockerfile/FROM: instruction-before-from zypper-distribution-upgrade
        k8s/resources: autoscaler-without-requests claim-size-missing; k8s/minReplicas: autoscaler-missing
        k8s/selector: disruption-budget-selects-nothing service-monitor-selects-nothing service-selects-nothing
        k8s/name: gateway-backend-unresolved ingress-backend-unresolved pod-part-repeated service-port-undefined service-ports-invalid
        k8s/maxUnavailable: autoscaler-under-disruption-budget disruption-budget-missing
        k8s/automountServiceAccountToken: default-service-account-automount service-account-automount
        k8s/metadata: name-invalid namespace-default namespace-on-cluster-object object-repeated
        k8s/fsGroup: command-sudo; k8s/tls: gateway-certificate-missing; k8s/restartPolicy: init-container-probe
        k8s/podSelector: namespace-without-policy network-policy-peer-unresolved network-policy-selects-nothing
        k8s/privileged: pss-namespace-label-invalid; k8s/kind: autoscaler-target-unresolved kind-unknown
        k8s/roleRef: dashboard-role-bound rbac-role-dangling; k8s/sectionName: gateway-listener-unresolved gateway-route-not-redirected
        k8s/readOnly: host-path-writable; k8s/host: ingress-host-missing; nginx/access_log: health-check-logged
        nginx/return: default-server-unmarked http2-default-server-without-421 https-redirect-missing proxy-path-escaped-twice
        nginx/listen: default-server-missing ssl-directive-removed tls-missing; nginx/limit_req_zone: limit-zone-undefined
        nginx/deny: allow-without-deny stub-status-closed; nginx/add_header: cors-any-origin; k8s/policyTypes: pod-partly-isolated
        k8s/allow-snippet-annotations: ingress-snippet-alias ingress-snippet-lua ingress-snippets-allowed""",
    "each needs a line of its own, for another file, variable, port or rule of a role": """
        dockerfile/COPY: add-instead-of-copy build-image-shipped chown-after-copy compiler-in-final-stage copy-before-install
        dockerfile/COPY: copy-from-image-floating copy-root-of-stage permissions-world-writable program-file-missing stage-unused
        dockerfile/RUN: copy-archive-unpacked copy-secret-file secret-argument secret-in-command secret-in-environment volume-not-owned
        dockerfile/ARG: from-argument-undefined from-default-invalid shell-variable-undeclared variable-undefined
        dockerfile/SHELL: shell-linked shell-not-posix shell-not-posix-unsure; dockerfile/ADD: add-remote-unverified
        dockerfile/WORKDIR: folder-change-lost workdir-relative; dockerfile/AS: stage-name-duplicate stage-name-reserved
        k8s/resourceNames: rbac-csr-approve rbac-secrets-read rbac-token-create; k8s/create: rbac-pods-create rbac-volumes-create
        k8s/apiGroups: rbac-everything rbac-wildcard-group; k8s/subjects: rbac-authenticated rbac-default-account
        k8s/containerPort: port-invalid port-privileged; k8s/spec: ingress-class-annotation ingress-class-missing
        ci/shell: action-shell-missing shell-unusual""",
    "they exclude each other, or say the opposite": """
        compose/restart: restart-invalid; k8s/strategy: claim-with-rolling-update; k8s/replicas: replicas-beside-autoscaler
        k8s/ttlSecondsAfterFinished: cron-job-ttl job-ttl-missing
        k8s/startingDeadlineSeconds: cron-starting-deadline-missing cron-starting-deadline-short""",
}  # fmt: skip


def written_keys(rule: Rule) -> set[str]:
    """The first key that each of a rule's fixes writes: what stands in its first backquotes that is one."""
    found = set()
    pattern = WRITTEN_KEY.get(rule.kind)
    for text in (rule.fix, *(one.text for one in rule.wordings if one.field == "fix")) if pattern else ():
        assert pattern
        first = next((match for code in re.findall(r"`([^`]+)`", text) if (match := pattern.match(code))), None)
        found |= {first[1]} if first else set()
    return found


def unplaced(rules: Mapping[str, Rule]) -> dict[str, set[str]]:
    """The rules without a place by the key that they and others write, as `kind/key`."""
    by_key: dict[str, list[Rule]] = defaultdict(list)
    for rule in rules.values():
        for key in written_keys(rule):
            by_key[f"{rule.kind}/{key}"].append(rule)
    named = {key: {rule.id.partition("/")[2] for rule in writers if not rule.edit} for key, writers in by_key.items() if len(writers) > 1}
    return {key: names for key, names in named.items() if names}


def excused() -> dict[str, set[str]]:
    rows = [row.strip() for rows in WITHOUT_PLACE.values() for row in re.split(r"[;\n]", rows) if row.strip()]
    names_by_key: dict[str, set[str]] = defaultdict(set)
    for key, names in (row.split(": ", 1) for row in rows):
        names_by_key[key].update(names.split())
    return names_by_key


def test_rules_that_write_to_one_place_say_so() -> None:
    rules = {name: tiers[0].rule for name, tiers in by_rule().items()}
    assert unplaced(rules) == excused(), "name the place with `edit`, or give the reason above why there is none"


def test_a_rule_that_writes_where_others_do_is_found() -> None:
    rules = {name: tiers[0].rule for name, tiers in by_rule().items()}
    name = "k8s/memory-limit-missing"
    assert unplaced(rules | {name: rules[name]._replace(edit=None)})["k8s/resources"] > {"memory-limit-missing"}


def test_one_kind_calls_a_place_by_one_name() -> None:
    """Names that differ only in how they are spelt would make two groups of one edit."""
    names: dict[str, set[str]] = defaultdict(set)
    for tiers in by_rule().values():
        rule = tiers[0].rule
        if rule.edit:
            names[f"{rule.kind} {re.sub(r'[^a-z]', '', rule.edit.at.lower()).removesuffix('s')}"].add(rule.edit.at)
    assert [spelt for spelt in names.values() if len(spelt) > 1] == []


def test_tiers_of_a_rule_write_in_one_place() -> None:
    for name, tiers in by_rule().items():
        rule = tiers[0].rule
        assert {(tier.edit.at, tier.edit.within) if tier.edit else None for tier in rule.tiers} <= {rule.edit and rule.edit[:2]}, name


# -- what is written ------------------------------------------------------------------------------------------------
def owners(value: Any, finding: Finding, key: str) -> Iterator[dict[str, Any]]:
    """The mappings of a document in which the key belongs: the container or pod of a finding, its service, its object, the file."""
    kind = finding.rule_definition.kind
    if kind == "compose":
        yield from value["services"].values()
    elif kind == "ci":
        yield from value.get("jobs", value).values() if key == "environment" else [value]
    elif key == "type":
        yield value["spec"]
    elif finding.container:
        yield from (one for pod in pods(value) for one in containers(pod) if one["name"] == finding.container)
    else:
        yield from pods(value)


def pods(value: Any) -> Iterator[dict[str, Any]]:
    for child in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from pods(child)
    if isinstance(value, dict) and "containers" in value:
        yield value


def containers(pod: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for key in ("containers", "initContainers", "ephemeralContainers"):
        yield from pod.get(key) or ()


def write(owner: dict[str, Any], addition: Mapping[str, Any]) -> None:
    """Add a mapping to another; a list takes the place of one."""
    for key, value in addition.items():
        if isinstance(value, dict):
            owner[key] = owner.get(key) if isinstance(owner.get(key), dict) else {}
            write(owner[key], value)
        else:
            owner[key] = value


# An example of these grants a capability beside what is missing; that one is taken out by hand.
MENDED_IN_PART = {"k8s/net-raw-not-dropped", "k8s/pss-restricted-capabilities"}


def writers() -> Iterator[Any]:
    for name, tiers in by_rule().items():
        for tier in tiers:
            edit = tier.rule.tier_by_name(tier.tier).edit
            if edit and isinstance(edit.text, dict):
                yield pytest.param(name, tier, edit, id=f"{name}{tier.tier and ':'}{tier.tier}")


@pytest.mark.parametrize(("name", "tier", "edit"), list(writers()))
def test_what_a_rule_writes_mends_its_bad_examples(name: str, tier: Any, edit: RuleEdit) -> None:
    assert isinstance(edit.text, dict)
    mended_count = 0
    for example in examples.rule_examples(tier, default_path(tier.rule)):
        found = check([tier], example, str).findings if example.is_bad and len(example.files) == 1 else []
        if not found:
            continue
        ((path, text),) = example.files.items()
        documents = list(yaml.safe_load_all(text))
        for finding in found:
            for owner in (one for document in documents for one in owners(document, finding, next(iter(edit.text)))):
                write(owner, edit.text)
        mended = Example(True, {path: yaml.safe_dump_all(documents, sort_keys=False)}, ())
        left = check([tier], mended, str).findings
        if name in MENDED_IN_PART and len(left) == len(found):
            continue
        assert len(left) < len(found), (text, mended.files[path])
        mended_count += 1
    assert mended_count

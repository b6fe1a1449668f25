"""Where the certificate of a listener comes from: its own field, or what an implementation puts in its place."""

from __future__ import annotations

import pytest

from readiness import kinds
from readiness.model import Source
from readiness.model.project import Project
from readiness.run import engine
from tests.conftest import by_rule, catalogue

GKE = "networking.gke.io/certmap: shop"
AWS = "apiVersion: gateway.networking.k8s.io/v1\nkind: GatewayClass\nmetadata: {name: edge}\nspec: {controllerName: %s}\n"
PARAMETERS = "{group: gateway.k8s.aws, kind: LoadBalancerConfiguration, name: shop}"


def gateway(listener: str, *, annotation: str = "", spec: str = "", group: str = "gateway.networking.k8s.io/v1") -> str:
    return (
        f"apiVersion: {group}\nkind: Gateway\nmetadata: {{name: shop, annotations: {{{annotation}}}}}\n"
        f"spec: {{gatewayClassName: edge, {spec} listeners: [{{name: tls, port: 443, {listener}}}]}}\n"
    )


REFS = "tls: {certificateRefs: [{name: shop-tls}]}"
MISSING = [
    gateway("protocol: HTTPS"),
    gateway("protocol: TLS, tls: {mode: Terminate}"),
    gateway("protocol: HTTPS, tls: {certificateRefs: []}"),
    gateway("protocol: HTTPS", annotation="cert-manager.io/cluster-issuer: letsencrypt"),
    # The API server refuses `tls` with neither certificateRefs nor options, whoever reads the annotation.
    gateway("protocol: HTTPS, tls: {mode: Terminate}", annotation=GKE),
    gateway("protocol: HTTPS, tls: {}", spec=f"infrastructure: {{parametersRef: {PARAMETERS}}},"),
    gateway("protocol: HTTPS") + "---\n" + AWS % "cilium.io/gateway-controller",
    gateway("protocol: HTTPS") + "---\n" + (AWS % "gateway.k8s.aws/alb").replace("name: edge", "name: other"),
]
NAMED = [
    gateway(f"protocol: HTTPS, {REFS}"),
    gateway("protocol: HTTPS, tls: {options: {networking.gke.io/pre-shared-certs: shop}}"),
    gateway("protocol: HTTPS", annotation=GKE),
    gateway("protocol: TLS, tls: {mode: Passthrough}"),
    gateway("protocol: HTTP"),
    gateway("protocol: HTTPS", group="networking.istio.io/v1"),
]
UNDECIDED = [
    gateway("protocol: HTTPS", spec=f"infrastructure: {{parametersRef: {PARAMETERS}}},"),
    gateway("protocol: HTTPS") + "---\n" + AWS % "gateway.k8s.aws/alb",
    gateway("protocol: HTTPS") + "---\n" + AWS % f"example.com/gateway, parametersRef: {PARAMETERS}",
]


@pytest.mark.parametrize(
    ("text", "found", "undecided"),
    [*((one, 1, 0) for one in MISSING), *((one, 0, 0) for one in NAMED), *((one, 0, 1) for one in UNDECIDED)],
)
def test_certificate(text: str, found: int, undecided: int) -> None:
    rule = "k8s/gateway-certificate-missing"
    documents = [("k8s", kinds.parse_source(Source("a.yaml", text, kind="k8s")))]
    outcome = engine.EngineResult()
    engine.run_rules(Project(documents), by_rule()[rule], {one.rule.id: one.rule for one in catalogue()}, outcome)
    assert [one.rule for one in outcome.findings] == [rule] * found
    assert outcome.tally_by_rule[rule].unknown == undecided

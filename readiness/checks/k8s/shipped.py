"""The names of the roles and bindings that clusters bring along."""

from __future__ import annotations

from readiness.kinds.k8s.model import Object
from readiness.model.lazy_regex import lazy_regex

BUILT_IN_CLUSTER_ROLES = frozenset({"cluster-admin", "admin", "edit", "view"})
# The names behind `system:` that the API server, kubeadm, OpenShift and the add-ons of Kubernetes' own groups use; anybody may write others.
_SHIPPED_SYSTEM_NAME = lazy_regex(
    r"system:(?:discovery|basic-user|public-info-viewer|monitoring|heapster|auth-delegator|aggregate-to-[a-z]{1,20}|kubelet-api-admin|nodes?"
    r"|node-(?:admin|admins|bootstrapper|delete|problem-detector|proxier|proxiers|reader)|kube-(?:aggregator|controller-manager|dns|scheduler)"
    r"|persistent-volume-provisioner|volume-scheduler|legacy-unknown-approver|service-account-issuer-discovery|coredns|metrics-server"
    r"|aggregated-metrics-reader|cloud-controller-manager|cloud-node-controller|image-(?:auditor|builder|pruner|puller|pusher|signer)|deployer"
    r"|master|registry|router|sdn-[a-z]{1,20}|webhook|build-strategy-[a-z]{1,20}|oauth-token-deleter|scope-impersonation"
    r"|:?(?:certificates\.k8s\.io|controller|openshift|extension-apiserver-authentication-reader|leader-locking-[a-z-]{1,60})(?::.{1,200})?)"
)


def is_system_object(obj: Object) -> bool:
    """Whether an object is one of those that the control plane, or GKE's, makes and repairs itself.

    A name that only begins with `system:` is anybody's: kube-vip calls its own role `system:kube-vip-role`.
    """
    is_built_in_cluster_role = obj.kind.startswith("Cluster") and obj.name in BUILT_IN_CLUSTER_ROLES
    is_shipped = bool(_SHIPPED_SYSTEM_NAME.fullmatch(obj.name)) or obj.name.startswith("gce:")
    return is_built_in_cluster_role or is_shipped or obj.labels.get("kubernetes.io/bootstrapping") == "rbac-defaults"

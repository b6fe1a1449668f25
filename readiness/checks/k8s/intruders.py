"""What rights over a node weigh in a pod: as much as the files show that somebody may get into it."""

from __future__ import annotations

from readiness.kinds.k8s import agents, traffic
from readiness.kinds.k8s.model import Pod
from readiness.model import Hit, Severity
from readiness.model.project import Project


def lowered_unless_reached(told: Hit, pod: Pod, project: Project) -> Hit:
    """A hit on rights over the node, high only in a workload that takes requests over the network and has no work on its node.

    A DaemonSet, a driver, what works on its node once and a runner of pipelines need such rights for what they are. Where no
    Service in the files sends requests to any other pod, nothing proves that somebody gets into it, and the message says so.
    """
    if told.severity is not None and told.severity <= Severity.MEDIUM:
        return told
    if pod.kind == "DaemonSet" or agents.is_node_work_pod(pod) or agents.is_job_runner(pod):
        return told._replace(severity=Severity.MEDIUM)
    if not traffic.takes_requests_from_network(pod, project):
        return told._replace(severity=Severity.MEDIUM, message_name="unreached")
    return told

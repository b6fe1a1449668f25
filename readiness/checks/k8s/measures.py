"""What an autoscaler measures."""

from __future__ import annotations

from collections.abc import Sequence

from readiness.kinds.k8s.effective import is_filled_in_value
from readiness.kinds.k8s.model import Object
from readiness.model import CheckOutcome, NotApplicable, Undecidable, join_names, missing
from readiness.syntax.nodes import mappings_in


def autoscaler_resource_unmeasured(obj: Object, *, resources: Sequence[str]) -> CheckOutcome:
    """A HorizontalPodAutoscaler leaves one of some resources out of its metrics."""
    metrics = obj.spec.get("metrics")
    if obj.kind != "HorizontalPodAutoscaler" or obj.group != "autoscaling":
        yield NotApplicable()
        return
    if is_filled_in_value(metrics):
        yield Undecidable(obj.spec.at("metrics"))
        return
    measured_resources = {
        str(metric.mapping_at_path(metric_source_key).get("name"))
        for metric in mappings_in(metrics)
        for metric_source_key in ("resource", "containerResource")
    }
    if obj.spec.get("targetCPUUtilizationPercentage") is not None:
        measured_resources.add("cpu")
    unmeasured_resources = [name for name in resources if name not in measured_resources]
    if unmeasured_resources:
        metrics_span = obj.spec.key_span("metrics") if metrics else obj.metadata.at("name")
        yield missing(metrics_span, absent=join_names(unmeasured_resources))

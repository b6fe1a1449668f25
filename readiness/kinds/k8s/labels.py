"""Label selectors and namespaces, as Kubernetes reads them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from readiness.facts.table import fact_column
from readiness.kinds.k8s.effective import is_variable
from readiness.kinds.k8s.model import Object
from readiness.syntax.yaml import Map, Seq


@dataclass(frozen=True, slots=True)
class Selector:
    """A label selector: every pair and every expression must hold. Without any it selects everything."""

    pairs: tuple[tuple[str, str], ...] = ()
    expressions: tuple[tuple[str, str, tuple[str, ...]], ...] = ()

    @property
    def selects_everything(self) -> bool:
        """Whether it has no condition, and so selects every object."""
        return not self.pairs and not self.expressions

    def matches(self, labels: Mapping[str, Any]) -> bool:
        """Whether labels fit; a label whose value is a variable fits everything."""
        for key, value in self.pairs:
            found = labels.get(key)
            if found != value and not is_variable(found) and not is_variable(value):
                return False
        return all(_expression_holds(labels, *one) for one in self.expressions)

    def without_controller_labels(self) -> Selector:
        """The same selector without the labels that controllers add on their own."""
        pairs = tuple(pair for pair in self.pairs if pair[0] not in fact_column("kubernetes-labels", "added"))
        return Selector(
            pairs,
            tuple(
                expression for expression in self.expressions if expression[0] not in fact_column("kubernetes-labels", "added")
            ),
        )


def _expression_holds(labels: Mapping[str, Any], key: str, operator: str, values: tuple[str, ...]) -> bool:
    value = labels.get(key)
    if is_variable(value):
        return True
    if operator == "In":
        return value in values
    if operator == "NotIn":
        return value not in values
    if operator == "Exists":
        return key in labels
    return key not in labels if operator == "DoesNotExist" else True


def label_selector(node: Any) -> Selector | None:
    """The label selector under a key of `matchLabels` and `matchExpressions`; None where there is none."""
    if not isinstance(node, Map):
        return None
    expressions = tuple(
        (
            expression.string_under("key"),
            expression.string_under("operator"),
            tuple(map(str, expression.get("values") or ())),
        )
        for expression in node.mappings_under("matchExpressions")
        if isinstance(expression.get("values"), Seq | None)
    )
    return Selector(label_pairs(node.mapping_at_path("matchLabels")), expressions)


def label_pairs(node: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """(name, value) of the labels in a mapping, values as strings."""
    return tuple((key, value) for key, value in node.items() if isinstance(value, str))


def service_selector(service: Object) -> Selector | None:
    """The pairs that a Service selects by; None where it selects nothing on purpose."""
    node = service.spec.get("selector")
    if not isinstance(node, Map) or not node or service.spec.get("type") == "ExternalName":
        return None
    return Selector(label_pairs(node))


def may_be_same_namespace(namespace: str, other: str) -> bool | None:
    """Whether two namespaces are the same one; None where one is written and the other left out."""
    if namespace == other:
        return True
    if not namespace or not other or is_variable(namespace) or is_variable(other):
        return None
    return False

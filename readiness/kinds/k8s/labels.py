"""Label selectors and namespaces, as Kubernetes reads them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from readiness.facts.table import property_by_fact_name
from readiness.kinds.k8s.effective import is_filled_in_value
from readiness.kinds.k8s.model import Object
from readiness.model.records import dataclass
from readiness.syntax.yaml import Map, Seq

Requirement = tuple[str, str, tuple[str, ...]]  # key, operator, values


class Requirements(tuple[Requirement, ...]):
    """The expressions of one selector, by key: those that labels can fail are told by the labels, however many there are."""

    def that_may_fail(self, labels: Mapping[str, Any]) -> Iterator[Requirement]:
        """The expressions that must be asked of some labels: those of their keys, and the first of those that ask for a key which is not there."""
        if not hasattr(self, "_by_key"):
            self._by_key: dict[str, list[Requirement]] = {}
            self._required_keys: dict[str, Requirement] = {}
            for requirement in self:
                self._by_key.setdefault(requirement[0], []).append(requirement)
                if requirement[1] in ("In", "Exists"):
                    self._required_keys.setdefault(requirement[0], requirement)
        for position, (key, requirement) in enumerate(self._required_keys.items()):
            if key not in labels:
                yield requirement
                return
            if position > len(labels):
                break
        for key in labels:
            yield from self._by_key.get(key, ())


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
        for label_key, required_value in self.pairs:
            label_value = labels.get(label_key)
            if label_value != required_value and not is_filled_in_value(label_value) and not is_filled_in_value(required_value):
                return False
        expressions = self.expressions.that_may_fail(labels) if isinstance(self.expressions, Requirements) else self.expressions
        return all(_is_expression_satisfied(labels, *one) for one in expressions)

    def without_controller_labels(self) -> Selector:
        """The same selector without the labels that controllers add on their own."""
        remaining_pairs = tuple(pair for pair in self.pairs if pair[0] not in property_by_fact_name("kubernetes-labels", "added"))
        return Selector(
            remaining_pairs,
            tuple(expression for expression in self.expressions if expression[0] not in property_by_fact_name("kubernetes-labels", "added")),
        )


def _is_expression_satisfied(labels: Mapping[str, Any], label_key: str, operator: str, allowed_values: tuple[str, ...]) -> bool:
    label_value = labels.get(label_key)
    if is_filled_in_value(label_value):
        return True
    if operator == "In":
        return label_value in allowed_values
    if operator == "NotIn":
        return label_value not in allowed_values
    if operator == "Exists":
        return label_key in labels
    return label_key not in labels if operator == "DoesNotExist" else True


def parse_label_selector(selector_node: Any) -> Selector | None:
    """The label selector under a key of `matchLabels` and `matchExpressions`; None where there is none."""
    if not isinstance(selector_node, Map):
        return None
    match_expressions = Requirements(
        (
            expression.string_under("key"),
            expression.string_under("operator"),
            tuple(map(str, expression.get("values") or ())),
        )
        for expression in selector_node.mappings_under("matchExpressions")
        if isinstance(expression.get("values"), Seq | None)
    )
    return Selector(label_pairs_of_mapping(selector_node.mapping_at_path("matchLabels")), match_expressions)


def label_pairs_of_mapping(node: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """(name, value) of the labels in a mapping, values as strings."""
    return tuple((key, value) for key, value in node.items() if isinstance(value, str))


def selector_of_service(service: Object) -> Selector | None:
    """The pairs that a Service selects by; None where it selects nothing on purpose."""
    selector_node = service.spec.get("selector")
    if not isinstance(selector_node, Map) or not selector_node or service.spec.get("type") == "ExternalName":
        return None
    return Selector(label_pairs_of_mapping(selector_node))


def may_be_same_namespace(namespace: str, other_namespace: str) -> bool | None:
    """Whether two namespaces are the same one; None where one is written and the other left out."""
    if namespace == other_namespace:
        return True
    if not namespace or not other_namespace or is_filled_in_value(namespace) or is_filled_in_value(other_namespace):
        return None
    return False

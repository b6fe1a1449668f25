"""Which workloads the selectors of a project match: worked out once for each selector, however many objects have it.

How much there is to work out is summed up before any of it is: the pods that each different selector is held against, and what the objects that
have it find in their own folder. Selectors whose expressions fit nearly everything can make that the square of the objects. Past a bound a
selector that may mean more than a question looks at has no answer, and the file in which it stands says so.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import field
from typing import Any, Generic, Protocol, TypeVar

from readiness.kinds.k8s.effective import is_filled_in_value
from readiness.kinds.k8s.labels import Selector, parse_label_selector, selector_of_service
from readiness.kinds.k8s.model import Object
from readiness.kinds.k8s.spaces import NamespacedThing, ThingsByNamespace
from readiness.kinds.units import MAX_CANDIDATES_PER_QUESTION, folder_of
from readiness.model.records import dataclass
from readiness.syntax.yaml import Map

MAX_SELECTED_PAIRS_PER_PROJECT = 100_000  # of a selector and labels that it may fit, and of an object and what it selects in its folder


class LabelledThing(NamespacedThing, Protocol):
    """What has labels, a namespace and a source."""

    @property
    def labels(self) -> Mapping[str, Any]:
        """Its labels."""


T = TypeVar("T", bound=LabelledThing)


@dataclass(slots=True)
class SelectorMatches(Generic[T]):
    """The things of a project by their labels, and which of them a selector matches.

    `is_bounded` says that there is too much to work out: then a selector with more candidates than one question looks at has no answer.
    """

    things: list[T] = field(default_factory=list)
    things_by_label: dict[tuple[str, str], list[T]] = field(default_factory=dict)
    is_bounded: bool = False
    _matches_by_selector: dict[Selector, ThingsByNamespace[T]] = field(default_factory=dict)

    def add(self, thing: T) -> None:
        """Take a thing in; a value that a variable fills stands in a list of its own, which every search looks at."""
        self.things.append(thing)
        for label_key, label_value in thing.labels.items():
            if isinstance(label_value, str):
                label_pair = ("", "") if is_filled_in_value(label_value) else (label_key, label_value)
                self.things_by_label.setdefault(label_pair, []).append(thing)

    def matches(self, selector: Selector) -> ThingsByNamespace[T]:
        """All things that a selector matches; to be asked only where it `has_answer`."""
        if selector not in self._matches_by_selector:
            matching_things = {id(one): one for lists in self._candidate_lists(selector) for one in lists if selector.matches(one.labels)}
            self._matches_by_selector[selector] = ThingsByNamespace(matching_things.values())
        return self._matches_by_selector[selector]

    def has_answer(self, selector: Selector) -> bool:
        """Whether it is worked out what a selector matches."""
        return not self.is_bounded or self.candidate_count(selector) <= MAX_CANDIDATES_PER_QUESTION

    def candidate_count(self, selector: Selector) -> int:
        """How many things a selector would be held against."""
        return sum(map(len, self._candidate_lists(selector)))

    def _candidate_lists(self, selector: Selector) -> Sequence[list[T]]:
        """The fewest lists that hold every match: that of the rarest pair, or those of an expression's values; else all things."""
        alternatives: list[list[list[T]]] = [[self.things_by_label.get(pair, [])] for pair in selector.pairs if not is_filled_in_value(pair[1])]
        for label_key, operator, label_values in selector.expressions:
            if operator == "In" and not any(map(is_filled_in_value, label_values)):
                alternatives.append([self.things_by_label.get((label_key, value), []) for value in dict.fromkeys(label_values)])
        if not alternatives:
            return [self.things]
        fewest_lists = min(alternatives, key=lambda lists: sum(map(len, lists)))
        return [*fewest_lists, self.things_by_label.get(("", ""), [])]

    def find_bound(
        self, selecting_objects: Iterable[Object], selectors_of: Callable[[Object], Iterable[Selector]], max_matches_counted: int | None
    ) -> None:
        """Find out whether the selectors of some objects are too much to work out; if so, say it in the files of those without an answer.

        Where all is applied as one, no answer is longer than `max_matches_counted`.
        """
        objects_with_selectors = [(obj, tuple(selectors_of(obj))) for obj in selecting_objects]
        matching_count_by_folder: dict[Selector, Counter[str]] = {}
        pair_count = 0
        for obj, selectors in objects_with_selectors:
            for selector in selectors:
                if selector not in matching_count_by_folder:
                    pair_count += self.candidate_count(selector)
                    if pair_count > MAX_SELECTED_PAIRS_PER_PROJECT:
                        break
                    matching_count_by_folder[selector] = Counter(folder_of(one.source) for one in self.matches(selector).every.things)
                matches_in_folder = matching_count_by_folder[selector][folder_of(obj.source)]
                pair_count += min(matches_in_folder, max_matches_counted or matches_in_folder)
            if pair_count > MAX_SELECTED_PAIRS_PER_PROJECT:
                break
        else:
            return
        self.is_bounded = True
        self._matches_by_selector.clear()
        for obj, selectors in objects_with_selectors:
            if not all(map(self.has_answer, selectors)):
                obj.source.root.unread_part = f"a selector in it may mean more than {MAX_CANDIDATES_PER_QUESTION} of {len(self.things):,} things"


def selectors_of_pods(obj: Object) -> Iterator[Selector]:
    """The selectors by which an object that runs nothing itself speaks of pods; those of a policy's peers among them."""
    if obj.kind == "Service":
        service_selector = selector_of_service(obj)
        if service_selector is not None:
            yield service_selector
        return
    selector_nodes = [obj.spec.get(key) for key in ("selector", "podSelector", "endpointSelector") if obj.kind != "ServiceMonitor"]
    for direction, peers_key in (("ingress", "from"), ("egress", "to")):
        selector_nodes += [peer.get("podSelector") for rule in obj.spec.mappings_under(direction) for peer in rule.mappings_under(peers_key)]
    for selector_node in selector_nodes:
        selector = parse_label_selector(selector_node) if isinstance(selector_node, Map) else None
        if selector is not None and not selector.selects_everything:
            yield selector


def selectors_of_services(obj: Object) -> Iterator[Selector]:
    """The selector by which a monitor speaks of Services."""
    selector = parse_label_selector(obj.spec.get("selector"))
    if selector is not None:
        yield selector

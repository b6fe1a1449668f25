"""What manifests are for: the signs of tests, samples and development in their places and in their objects.

Each sign was counted over 6,700 manifests, 2,208 of them of clusters in production: docs/purpose.md has the numbers. The
strong ones stand in none of those; of the weak ones no pair that counts does.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence

from readiness.facts.table import fact_column
from readiness.kinds.decision import Stated, head_signs, purpose_by_signs, purposes_of_things, said_purpose
from readiness.kinds.k8s.model import Document, Object, Pod
from readiness.kinds.places import README_PAIRS, Surroundings, name_signs, place_signs, readme_signs, surroundings
from readiness.kinds.purpose import NonProductionSign, Pairs, is_non_serving_command
from readiness.model import PURPOSES, Purpose
from readiness.syntax.image import parse_image

ANNOTATION = "readiness.dev/purpose"
_NAMED = re.compile(r"(?:\A|[-.])(?:(?P<test>tests?|e2e|testing)|examples?|samples?|demos?)\d*(?:[-.]|\Z)")
_SPACE = re.compile(r"(?:\A|-)(?:(?P<test>tests?|testing|e2e)|(?P<sample>demo|examples?|sample))(?:-|\Z)")
_LABELS = ("env", "environment", "stage", "app.kubernetes.io/environment")
# Two of which neither follows from the other. People name folders after namespaces, and files after objects: these are no pairs.
PAIRS: Pairs = (
    frozenset(
        map(
            frozenset,
            (
                *(("place", one) for one in ("loose", "sibling", "program", "named", "label", "waits")),
                *(("file", one) for one in ("namespace", "label", "waits")),
                ("namespace", "waits"),
                ("namespace", "label"),
                ("label", "named"),
                ("named", "waits"),
            ),
        )
    )
    | README_PAIRS
)


def take_purposes(documents: Sequence[Document], paths: Collection[str]) -> None:
    """Say of every manifest, and of the objects in it, what it is for where that is not production."""
    tree = surroundings(paths)
    for document in documents:
        source = document.source
        if source.parent is not None:
            continue
        whole = said_purpose(source)
        around = [] if whole else list(_signs_around(document, tree))
        pods = {id(pod.owner): pod for pod in document.pods}
        source.purposes = purposes_of_things(
            whole,
            ((one.resource, _purpose_of(one, pods.get(id(one)), around)) for one in document.objects),
        )
        if not document.objects and whole is None:
            found = purpose_by_signs(around, PAIRS)
            source.purposes = {"": found} if found else {}


def _purpose_of(obj: Object, pod: Pod | None, around: Sequence[NonProductionSign]) -> Purpose | None:
    """What an object is for: as its annotation says, else by its signs and those of its file."""
    said = obj.annotations.string_under(ANNOTATION)
    if said in PURPOSES:
        return Purpose(said, f"the annotation {ANNOTATION} of {obj.resource} says so")
    return purpose_by_signs((*around, *_signs_of(obj, pod)), PAIRS)


def _signs_around(document: Document, around: Surroundings) -> Iterator[NonProductionSign]:
    """What the place of a file and the comment at its head say."""
    path, here = document.source.path, document.node.at()
    yield from head_signs(document.source)
    if document.source.unapplied_because:
        yield NonProductionSign("unapplied", document.source.unapplied_because, here, True, "sample")
    yield from place_signs(path, here, around)
    yield from name_signs(path, here)
    yield from readme_signs(document.source, around)


def _signs_of(obj: Object, pod: Pod | None) -> Iterator[NonProductionSign]:
    """What an object says of itself."""
    here = obj.node.at()
    if found := _SPACE.search(obj.namespace.lower()):
        purpose = found.lastgroup or "test"
        yield NonProductionSign("namespace", f"its namespace is {obj.namespace[:63]}", here, purpose=purpose)
    elif obj.namespace.lower() in fact_column("purpose-words", "namespace"):
        yield NonProductionSign("namespace", f"its namespace is {obj.namespace[:63]}", here)
    if found := _NAMED.search(obj.name.lower()):
        purpose = "test" if found["test"] else "sample"
        yield NonProductionSign("named", f"it is called {obj.name[:63]}", here, purpose=purpose)
    label = next(
        (obj.labels.string_under(one).lower() for one in _LABELS if obj.labels.string_under(one)),
        "",
    )
    if label in fact_column("purpose-words", "namespace"):
        yield NonProductionSign("label", f"a label says {label}", here)
    for container in pod.containers() if pod is not None else ():
        image = parse_image(container.image) if container.image else None
        if image is not None and _is_made_for_tests(image.name):
            text = f"the image of container {container.name!r} is made for tests"
            yield NonProductionSign("image", text, container.node.at(), True, "test")
        words = [word for part in container.command_lists() for word in part if isinstance(word, str)]
        if container.role == "main" and words and is_non_serving_command(words):
            yield NonProductionSign("waits", f"container {container.name!r} only waits", container.node.at())


def _is_made_for_tests(name: str) -> bool:
    """Whether an image is one that tests of Kubernetes run. https://github.com/kubernetes/kubernetes/tree/master/test/images"""
    return "e2e-test-images/" in name or name.rpartition("/")[2] in ("agnhost", "e2e-tests")


def stated_purposes(document: Document) -> Iterator[Stated]:
    """What the annotations of a file's objects say that they are for, known words or not."""
    for one in document.objects:
        if ANNOTATION in one.annotations:
            yield Stated(str(one.annotations[ANNOTATION]), one.annotations.at(ANNOTATION))

"""What manifests are for: the signs of tests, samples and development in their places and in their objects.

Each sign was counted over 6,700 manifests, 2,208 of them of clusters in production: docs/purpose.md has the numbers. The
strong ones stand in none of those; of the weak ones no pair that counts does.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from readiness.facts.table import property_by_fact_name
from readiness.kinds.decision import Stated, explicit_purpose, head_signs, purpose_by_resource, purpose_by_signs
from readiness.kinds.k8s.model import Document, Object, Pod
from readiness.kinds.places import (
    README_SIGN_PAIRS_THAT_DECIDE,
    Surroundings,
    file_name_signs,
    folder_signs,
    readme_signs,
    surroundings,
)
from readiness.kinds.purpose import NonProductionSign, SignNamePairs, is_non_serving_command
from readiness.model import DESCRIPTION_BY_PURPOSE, Purpose
from readiness.model.lazy_regex import lazy_regex
from readiness.syntax.image import parse_image

PURPOSE_ANNOTATION = "readiness.dev/purpose"
_NON_PRODUCTION_OBJECT_NAME = lazy_regex(r"(?:\A|[-.])(?:(?P<test>tests?|e2e|testing)|examples?|samples?|demos?)\d*(?:[-.]|\Z)")
_NON_PRODUCTION_NAMESPACE = lazy_regex(r"(?:\A|-)(?:(?P<test>tests?|testing|e2e)|(?P<sample>demo|examples?|sample))(?:-|\Z)")
_ENVIRONMENT_LABELS = ("env", "environment", "stage", "app.kubernetes.io/environment")
# Two of which neither follows from the other. People name folders after namespaces, and files after objects: these are no pairs.
DECISIVE_SIGN_PAIRS: SignNamePairs = (
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
    | README_SIGN_PAIRS_THAT_DECIDE
)


def take_purposes(documents: Sequence[Document], known_paths: Collection[str]) -> None:
    """Say of every manifest, and of the objects in it, what it is for where that is not production."""
    file_surroundings = surroundings(known_paths)
    for document in documents:
        source = document.source
        if source.parent is not None:
            continue
        file_purpose = explicit_purpose(source)
        file_signs = [] if file_purpose else list(_signs_of_file(document, file_surroundings))
        pod_by_owner_id = {id(pod.owner): pod for pod in document.pods}
        source.purposes = purpose_by_resource(
            file_purpose,
            ((one.resource, _purpose_of_object(one, pod_by_owner_id.get(id(one)), file_signs)) for one in document.objects),
        )
        if not document.objects and file_purpose is None:
            purpose_by_file_signs = purpose_by_signs(file_signs, DECISIVE_SIGN_PAIRS)
            source.purposes = {"": purpose_by_file_signs} if purpose_by_file_signs else {}


def _purpose_of_object(obj: Object, pod: Pod | None, file_signs: Sequence[NonProductionSign]) -> Purpose | None:
    """What an object is for: as its annotation says, else by its signs and those of its file."""
    annotated_purpose = obj.annotations.string_under(PURPOSE_ANNOTATION)
    if annotated_purpose in DESCRIPTION_BY_PURPOSE and not obj.source.root.is_purpose_locked:
        return Purpose(annotated_purpose, f"the annotation {PURPOSE_ANNOTATION} of {obj.resource} says so")
    return purpose_by_signs((*file_signs, *_signs_of_object(obj, pod)), DECISIVE_SIGN_PAIRS)


def _signs_of_file(document: Document, file_surroundings: Surroundings) -> Iterator[NonProductionSign]:
    """What the place of a file and the comment at its head say."""
    file_path, document_span = document.source.path, document.node.at()
    yield from head_signs(document.source)
    if document.source.unapplied_because:
        yield NonProductionSign("unapplied", document.source.unapplied_because, document_span, True, "sample")
    if document.source.test_use_because:
        yield NonProductionSign("test-use", document.source.test_use_because, document_span, True, "test")
    yield from folder_signs(file_path, document_span, file_surroundings)
    yield from file_name_signs(file_path, document_span)
    yield from readme_signs(document.source, file_surroundings)


def _signs_of_object(obj: Object, pod: Pod | None) -> Iterator[NonProductionSign]:
    """What an object says of itself."""
    object_span = obj.node.at()
    if name_match := _NON_PRODUCTION_NAMESPACE.search(obj.namespace.lower()):
        purpose = name_match.lastgroup or "test"
        yield NonProductionSign("namespace", f"its namespace is {obj.namespace[:63]}", object_span, purpose=purpose)
    elif obj.namespace.lower() in property_by_fact_name("purpose-words", "namespace"):
        yield NonProductionSign("namespace", f"its namespace is {obj.namespace[:63]}", object_span)
    if name_match := _NON_PRODUCTION_OBJECT_NAME.search(obj.name.lower()):
        purpose = "test" if name_match["test"] else "sample"
        yield NonProductionSign("named", f"it is called {obj.name[:63]}", object_span, purpose=purpose)
    environment_label = next(
        (obj.labels.string_under(one).lower() for one in _ENVIRONMENT_LABELS if obj.labels.string_under(one)),
        "",
    )
    if environment_label in property_by_fact_name("purpose-words", "namespace"):
        yield NonProductionSign("label", f"a label says {environment_label}", object_span)
    for container in pod.containers() if pod is not None else ():
        image_reference = parse_image(container.image) if container.image else None
        if image_reference is not None and _is_test_image_name(image_reference.name):
            sign_text = f"the image of container {container.name!r} is made for tests"
            yield NonProductionSign("image", sign_text, container.node.at(), True, "test")
        command_words = [word for part in container.command_lists() for word in part if isinstance(word, str)]
        if container.role == "main" and command_words and is_non_serving_command(command_words):
            yield NonProductionSign("waits", f"container {container.name!r} only waits", container.node.at())


def _is_test_image_name(image_name: str) -> bool:
    """Whether an image is one that tests of Kubernetes run. https://github.com/kubernetes/kubernetes/tree/master/test/images"""
    return "e2e-test-images/" in image_name or image_name.rpartition("/")[2] in ("agnhost", "e2e-tests")


def stated_purposes(document: Document) -> Iterator[Stated]:
    """What the annotations of a file's objects say that they are for, known words or not."""
    for annotated_object in document.objects:
        if PURPOSE_ANNOTATION in annotated_object.annotations:
            yield Stated(str(annotated_object.annotations[PURPOSE_ANNOTATION]), annotated_object.annotations.at(PURPOSE_ANNOTATION))

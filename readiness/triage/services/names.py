"""What services are called: the words that tell environments apart left out, and each name given once."""

from __future__ import annotations

import posixpath
import re
from collections import Counter
from collections.abc import Sequence
from functools import cache, lru_cache

from readiness.facts.table import property_by_fact_name
from readiness.model.lazy_regex import lazy_regex
from readiness.model.project import Project, parent_folders
from readiness.syntax.image import ImageReference
from readiness.triage.services.graph import Runner

_NAME_MARKS = lazy_regex(r"[-_.]")
_RELEASE_NUMBER = lazy_regex(r"(?:v|f|el|py)?\d+(?:\.(?:\d+|x))*")


@cache
def _environment_words() -> frozenset[str]:
    """The words by which names and folders tell environments apart."""
    words_of_places = property_by_fact_name("purpose-words", "deploys").keys() | property_by_fact_name("purpose-words", "namespace").keys()
    words_of_files = {word for word, purpose in property_by_fact_name("purpose-words", "file").items() if purpose in {"dev", "prod", "test"}}
    return frozenset(words_of_places | words_of_files)


@lru_cache(maxsize=16_384)
def path_without_environments(path: str) -> str:
    """A folder or a file without the parts that name an environment: what is the same in all of them."""
    kept_parts = [one for one in path.split("/") if one.lower() not in _environment_words()]
    return "/".join(kept_parts)


def words_of_name(name: str) -> list[str]:
    """The words of a name, in small letters."""
    return [one for one in _NAME_MARKS.split(name.lower()) if one]


def is_environment_word(word: str) -> bool:
    """Whether a word tells environments apart."""
    return word.lower() in _environment_words()


@lru_cache(maxsize=16_384)
def name_without_environments(name: str) -> str:
    """A name without the words of environments; the name itself where nothing else is in it."""
    kept_words = [one for one in _NAME_MARKS.split(name) if one.lower() not in _environment_words()]
    return "-".join(filter(None, kept_words)) or name


@lru_cache(maxsize=16_384)
def folder_without_variants(folder: str) -> str:
    """A folder without the parts that tell variants of one image apart: releases, distributions, environments."""
    kept_parts = ("-".join(word for word in re.split(r"[-_]", part) if word and not _is_variant_word(word.lower())) for part in folder.split("/"))
    return "/".join(filter(None, kept_parts))


def word_without_variants(text: str) -> str:
    """A word of a file's name without the parts that tell variants of one image apart."""
    return "-".join(word for word in _NAME_MARKS.split(text.lower()) if word and not _is_variant_word(word))


def _is_variant_word(word: str) -> bool:
    variant_words = property_by_fact_name("distributions", "variant")
    return bool(_RELEASE_NUMBER.fullmatch(word)) or word.rstrip("0123456789.") in variant_words or word in _environment_words()


def name_of_folder(folder: str) -> str:
    """What a folder is called after: the last part of its path that says more than that images are built there."""
    builds = property_by_fact_name("folders", "builds")
    parts = [one for one in folder.split("/") if one and word_without_variants(one) and one.lower() not in builds]
    return parts[-1] if parts else ""


def checkout_folder_of_project(project: Project) -> str:
    """The one folder that holds all that was walked; `.` where that is the working directory, or where several were named side by side.

    Its name is that of a checkout, which says nothing of what is in it.
    """
    outermost_folders = [one for one in project.walked if project.walked.isdisjoint([*parent_folders(one)][:-1])]
    return outermost_folders[0] if len(outermost_folders) == 1 and "." not in project.walked else "."


def name_in_chart(name: str, chart_folder: str, release_name: str) -> str:
    """A name without that of the release in front of it; the chart's own where nothing else is in it."""
    if name == release_name:
        return posixpath.basename(chart_folder).strip(".") or "chart"
    return name.removeprefix(release_name + "-")


def is_published_by_others(image: ImageReference) -> bool:
    """Whether an image is one that others publish: an official name of Docker Hub, or one of the table."""
    from readiness.facts import public_images
    from readiness.facts.base_images import may_be_official_image

    return may_be_official_image(image) or public_images.facts_of_public_image(image) is not None


def service_name_of(runners: Sequence[Runner]) -> str:
    """What a group of runners is called: as most of them are, of equals the shortest name; what lasts counts before jobs."""
    lasting_runners = [one for one in runners if not one.is_job] or list(runners)
    count_by_name = Counter(one.name for one in lasting_runners)
    return min(count_by_name, key=lambda name: (-count_by_name[name], len(name), name))


def unique_service_names(groups: Sequence[Sequence[Runner]]) -> list[str]:
    """A name for each group, none given twice: those that share one are told apart by what they are applied with, as far as that is judged."""
    names = [service_name_of(one) for one in groups]
    count_by_name = Counter(names)
    homes = [min((not one.is_listed, one.is_for_tests or one.is_for_development, len(one.home), one.home) for one in group)[3] for group in groups]
    unique_names = [f"{name} ({home})" if count_by_name[name] > 1 else name for name, home in zip(names, homes, strict=True)]
    count_by_name = Counter(unique_names)
    number_by_name: Counter[str] = Counter()
    for index, name in enumerate(unique_names):
        if count_by_name[name] > 1:
            number_by_name[name] += 1
            unique_names[index] = f"{name} {number_by_name[name]}"
    return unique_names

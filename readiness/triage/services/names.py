"""What services are called: the words that tell environments apart left out, and each name given once."""

from __future__ import annotations

import posixpath
import re
from collections import Counter
from collections.abc import Sequence
from functools import cache, lru_cache

from readiness.facts.table import property_by_fact_name
from readiness.syntax.image import ImageReference
from readiness.triage.services.graph import Runner

# What `helm template` calls a release that nobody names, in front of the names of its objects.
DEFAULT_RELEASE_NAME = "release-name"
_NAME_MARKS = re.compile(r"[-_.]")
_RELEASE_NUMBER = re.compile(r"v?\d+(?:\.(?:\d+|x))*")


@cache
def _environment_words() -> frozenset[str]:
    """The words by which names and folders tell environments apart."""
    words_of_places = property_by_fact_name("purpose-words", "deploys").keys() | property_by_fact_name("purpose-words", "namespace").keys()
    words_of_files = {word for word, purpose in property_by_fact_name("purpose-words", "file").items() if purpose in {"dev", "prod", "test"}}
    return frozenset(words_of_places | words_of_files)


@lru_cache(maxsize=4096)
def path_without_environments(path: str) -> str:
    """A folder or a file without the parts that name an environment: what is the same in all of them."""
    kept_parts = [one for one in path.split("/") if one.lower() not in _environment_words()]
    return "/".join(kept_parts)


@lru_cache(maxsize=4096)
def name_without_environments(name: str) -> str:
    """A name without the words of environments; the name itself where nothing else is in it."""
    kept_words = [one for one in _NAME_MARKS.split(name) if one.lower() not in _environment_words()]
    return "-".join(filter(None, kept_words)) or name


@lru_cache(maxsize=4096)
def folder_without_variants(folder: str) -> str:
    """A folder without the parts that tell variants of one image apart: releases, distributions, environments."""
    kept_parts = ("-".join(word for word in re.split(r"[-_]", part) if word and not _is_variant_word(word.lower())) for part in folder.split("/"))
    return "/".join(filter(None, kept_parts))


def _is_variant_word(word: str) -> bool:
    distributions = property_by_fact_name("distributions", "packaged")
    return bool(_RELEASE_NUMBER.fullmatch(word)) or word.rstrip("0123456789.") in distributions or word in _environment_words()


def has_default_release_name(name: str) -> bool:
    """Whether a name begins as those of a release do that nobody named."""
    return name == DEFAULT_RELEASE_NAME or name.startswith(DEFAULT_RELEASE_NAME + "-")


def name_in_chart(name: str, chart_folder: str) -> str:
    """A name without that of a release that nobody named; the chart's own where nothing else is in it."""
    if name == DEFAULT_RELEASE_NAME:
        return posixpath.basename(chart_folder) or name
    return name.removeprefix(DEFAULT_RELEASE_NAME + "-")


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
    """A name for each group, none given twice: those that share one are told apart by what they are applied with."""
    names = [service_name_of(one) for one in groups]
    count_by_name = Counter(names)
    homes = [min((one.home for one in group), key=lambda home: (len(home), home)) for group in groups]
    unique_names = [f"{name} ({home})" if count_by_name[name] > 1 else name for name, home in zip(names, homes, strict=True)]
    count_by_name = Counter(unique_names)
    number_by_name: Counter[str] = Counter()
    for index, name in enumerate(unique_names):
        if count_by_name[name] > 1:
            number_by_name[name] += 1
            unique_names[index] = f"{name} {number_by_name[name]}"
    return unique_names

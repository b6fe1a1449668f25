"""What READMEs say of the folders that they stand in, and what they do not say."""

from __future__ import annotations

import pytest

from readiness.kinds.readme import README_NAME, folders_of_tests_in_readme, purpose_words_of_readme, set_readme_words
from readiness.model import Source

SAYS = {
    "study material": ("# CKA\n\nPreparation and study material for the exam.\n", {"study"}),
    "notes of a course": ("# Lab\n\nMy notes for the Kubernetes course.\n", {"study"}),
    "exercises": ("# Docker\n\nExercises to practise multi-stage builds.\n", {"study"}),
    "preparation for an exam": ("Preparing for the CKAD exam\n", {"study"}),
    "a demonstration": ("# Shop demo\n\nA small shop.\n", {"demo"}),
    "a demonstration below a link back": ("[[Back](../README.md)]\n\n# Shop Demo\n\nA small shop.\n", {"demo"}),
    "a change before production": ("Be sure to **change** `A` in [.env](.env) before deploying to production.\n", {"change"}),
    "replaced before production": ("# X\n\nReplace all passwords before going to production.\n", {"change"}),
    "only for tests": ("# TLS\n\nUse this example only for testing purposes.\n", {"trial"}),
    "for development only": ("# Kind\n\nThis is for local development and evaluation only.\n", {"trial"}),
    "not for production": ("# Values\n\nThese should not be considered production ready.\n", {"trial"}),
    "never in production": ("# Shop\n\nNever run it in production.\n", set()),
    "not recommended for an image": ("# Shop\n\nWe do not recommend the old images in production.\n", set()),
    "a development server": ("# Docs\n\n## Local development\n\nStart the server.\n", set()),
    "a cluster at home": ("# Home\n\nMy cluster, where I learn a lot and take notes.\n", set()),
    "a service of a university": ("# Courses\n\nServes the course catalogue and the training schedule.\n", set()),
    "a demonstration further down": ("# Shop\n\nOur shop.\n\n## Demo\n\nSee the demo.\n", set()),
    "study material in a block": ("# Shop\n\n```\nstudy material\n```\n", set()),
    "a change in production": ("# Shop\n\nChange the image in production only.\n", set()),
    "a development environment": ("# Acme Docker\n\nAcme development environment using Docker.\n", {"development-stack"}),
    "a development environment, named": (
        "# Acme\n\nBuilds.\n\nAcme is a full PHP development environment for Docker, with all one needs.\n",
        {"development-stack"},
    ),
    "a Docker development environment": ("The Docker-based development environment of Acme.\n", {"development-stack"}),
    "a development environment to set up": (
        "# Shop\n\nOur shop. To set up a development environment with Docker run `make up`.\n",
        set(),
    ),
    "a development environment of one's own": ("# Shop\n\nRun your development environment in Docker.\n", set()),
    "a program for developers": ("# Desk\n\nDesk is a cloud development environment for teams.\n", set()),
    "a development environment variable": ("# Shop\n\nThe Docker development environment variable is MODE.\n", set()),
    "a development environment far below": (
        "# Shop\n\nOur shop sells all things.\n\nIt is as fast as it is small.\n\nAcme development environment using Docker.\n",
        set(),
    ),
    "compose files for trials": (
        "# Compose files\n\n> [!IMPORTANT]\n> The compose files in this repository are meant for testing and demo purposes!\n",
        {"trial-stack"},
    ),
    "a repository for demonstrations": ("# Shop\n\nThis repository is only for demonstration purposes.\n", {"trial", "trial-stack"}),
    "a file to begin with": ("# Shop\n\nUse this compose file as a starting point for testing.\n", set()),
    "a setup for testing something else": ("# Shop\n\nThe test setup is used for testing the shop in CI.\n", set()),
    "a local environment": ("# Shop\n\nUse compose.yml of this repository to spin up a local environment for the shop.\n", {"development-stack"}),
    "a local workstation": ("# Cloud\n\nThis implementation deploys projects to a local workstation for development.\n", {"development-stack"}),
    "a local environment variable": ("# Shop\n\nOur tool creates a local environment variable for each setting.\n", set()),
    "a page of samples": ("---\npage_type: sample\nlanguages: [python]\n---\n\n# Voting\n\nVotes on clusters.\n", {"sample-page"}),
    "a collection of examples": (
        "# Acme\n\n🎈 Welcome to acme-examples!\n\nThis repo contains subdirectories with various examples for how to use acme.\n",
        {"sample-page"},
    ),
    "an application that demonstrates": (
        "# Shop\n\n[![Build](https://a.example.com/a.svg)](https://a.example.com)\n\nA small application built to demonstrate the [outbox](b.md).\n",
        {"sample-page"},
    ),
    "a branch that demonstrates": ("This branch was derived from [Shop](../shop) to demonstrate how to split it into services.\n", {"sample-page"}),
    "a cluster that is shown": ("This repository was made to demonstrate how I run my cluster.\n", set()),
    "a product that demonstrates": ("Shop demonstrates how your team sells. It was made for sellers, and to demonstrate goods.\n", set()),
    "how to demonstrate": ("# Shop\n\nSee how it was built to demonstrate the pattern.\n", set()),
    "a directory of examples": ("# Acme\n\nThis directory contains Docker Compose examples.\n", {"sample-page"}),
    "a curated list of demos": ("- [Start](#a)\n- [Other](#b)\n\n# Start\n\nThis is a curated list of demos of Acme.\n", {"sample-page"}),
    "a list of examples": ("# Acme\n\nHere is a collection of small deployment examples that use Acme.\n", {"sample-page"}),
    "a list of tools": ("# Acme\n\nThis is a curated list of tools, demos and charts.\n", set()),
    "a list for examples": ("# Acme\n\nThis is a set of charts for our demos.\n", set()),
    "this demo": ("![image](a.png)\n\n# Overview\n\nThis demo deploys two clusters, and copies from one to the other.\n", {"sample-page"}),
    "this example of a thing": ("# Shop\n\nThis Docker example shows how to start the shop.\n", {"sample-page"}),
    "an example after something else": ("# Shop\n\nShop sells all things. This example starts it on port 80.\n", set()),
    "a demo that is elsewhere": ("# Shop\n\nThis demo site is where we show the shop.\n", set()),
    "a sample of a configuration": ("# Sample of compose with Kafka\n\nThis compose set-up provides a sample configuration.\n", {"sample-page"}),
    "a set-up with a sample": ("# Kafka\n\nThis set-up runs Kafka. A sample configuration is in sample.yaml.\n", set()),
    "code and examples": ("# Acme\n\nThis repository contains the code of Acme and examples.\n", set()),
    "examples beside a chart": ("# Acme\n\nThis repository contains examples, charts and tools.\n", set()),
    "a service with examples": ("# Acme\n\nThis project provides an API for examples.\n", set()),
    "a page of another type": ("---\npage_type: guide\n---\n\n# Voting\n\nSee page_type: sample there.\n", set()),
    "study far below": ("# Shop\n\n" + "Words. " * 200 + "study material\n", set()),
}  # fmt: skip


@pytest.mark.parametrize(("text", "words"), SAYS.values(), ids=SAYS)
def test_words(text: str, words: set[str]) -> None:
    assert set(purpose_words_of_readme(text)) == words


@pytest.mark.parametrize(
    ("path", "is_readme"),
    [
        ("README.md", True),
        ("a/Readme", True),
        ("a/readme.rst", True),
        ("a/README.yaml", False),
        ("a/NOREADME.md", False),
    ],
)
def test_names(path: str, is_readme: bool) -> None:
    assert bool(README_NAME.search(path)) is is_readme


def test_how_far_they_reach() -> None:
    texts = {"a/README.md": "study material\n\ndemo", "a/b/README.md": "a demo", "c/README.md": "words"}
    paths = ["a/x.yaml", "a/b/x.yaml", "a/b/c/x.yaml", "c/x.yaml", "x.yaml"]
    sources = [Source(path, texts.get(path, "")) for path in (*texts, *paths)]
    set_readme_words(sources)
    found = {one.path: set(one.readme_says) for one in sources if one.path in paths}
    assert found == {
        "a/x.yaml": {"study"},
        "a/b/x.yaml": {"demo", "study"},
        "a/b/c/x.yaml": {"study"},
        "c/x.yaml": set(),
        "x.yaml": set(),
    }


def test_what_is_said_of_all_compose_files_reaches_down() -> None:
    readmes = {
        "README.md": "Acme development environment using Docker.\n",
        "a/README.md": "The compose files are for testing.\n",
    }
    sources = [Source(path, readmes.get(path, "")) for path in (*readmes, "x.yaml", "a/b/x.yaml", "b/x.yaml")]
    set_readme_words(sources)
    assert {one.path: set(one.readme_says) for one in sources if one.path not in readmes} == {
        "x.yaml": {"development-stack"},
        "a/b/x.yaml": {"development-stack", "trial-stack"},
        "b/x.yaml": {"development-stack"},
    }


@pytest.mark.parametrize(
    ("text", "folders"),
    [
        ("The compose files under the `taf` subfolder are used for the automated TAF tests.", {"docker/taf"}),
        ("All in the ci/stacks directory is meant for integration testing.", {"docker/ci/stacks"}),
        ("Files under the `taf` folder are used for the automated delivery.", set()),
        ("Files under the `../up` folder are used for tests.", {"up"}),
        ("Files under the `../../up` folder are used for tests.", set()),
        ("The tests directory is great.", set()),
    ],
)
def test_folders_that_a_readme_says_are_for_tests(text: str, folders: set[str]) -> None:
    assert set(folders_of_tests_in_readme(f"# Stack\n\n{text}\n", "docker")) == folders


def test_a_folder_of_tests_reaches_down() -> None:
    readme = Source("README.md", "Files under the `taf` folder are used for the automated tests.\n")
    sources = [readme, *(Source(path, "") for path in ("taf/compose.yaml", "taf/a/compose.yaml", "compose.yaml", "tafel/compose.yaml"))]
    set_readme_words(sources)
    assert {one.path for one in sources if "test-folder" in one.readme_says} == {"taf/compose.yaml", "taf/a/compose.yaml"}

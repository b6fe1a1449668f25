"""The files that `readiness init` writes: settings with every choice explained, a hook, a workflow."""

from __future__ import annotations

from collections.abc import Collection

from readiness.origin import Origin
from readiness.version import __version__

BASELINE_FILENAME = ".readiness-baseline.json"
_BASELINE_LINE = f"baseline: {BASELINE_FILENAME}"
SETTINGS_TEMPLATE = """\
# Settings of the readiness linter. Every line that is commented out shows the default or an example.

# recommended: what nearly every production deployment should hold. strict: the good practice that many skip, too.
profile: recommended

# The gate fails on an open finding of this severity or over: critical, high, medium, low, info or never.
fail-on: high

# The gate fails under this score, too.
# min-score: 80

# What is asked. A prefix (k8s/) or a category (observability) narrows the profile to its rules of it; a rule's id is asked whatever the profile.
# `extend-select` asks besides, and `ignore` leaves out.
# select: []
# extend-select: []
# ignore: []

# How bad rules are here, by id, prefix or category: critical, high, medium, low or info. The last word that fits counts.
# severity:
#   k8s/root-filesystem-writable: low

# Paths that are not read, as globs over paths relative to this directory; a star takes slashes too, and `**/` any number of directories.
# exclude: [examples/*]

# What is left out in some files, and other rules for some files.
# per-path-ignores:
#   "legacy/**": [k8s/]
# per-path:
#   "deploy/**": {profile: strict, severity: {reliability: high}}

# The versions of this tool that these settings are for.
# required-version: ">=0.1"

# Whether comments and settings for other linters (hadolint, zizmor, checkov ...) count here.
# foreign-ignores: true

# Judge the fenced blocks of Markdown documents met on a walk. (A document that is named is always judged.)
# documents: false

# Ask ShellCheck about the scripts in images and pipelines (pip install 'readiness[shellcheck]').
# shellcheck: false

# Checklists that the report shows and that count in coverage: flowise, dify, dashflow, ragflow.
# checklists: []

# Directories of your own rule files (docs/writing-rules.md), below this directory; others are named with --rules.
# rules: []

# Findings in this file, below this directory, do not count; `readiness baseline` writes it.
# baseline: .readiness-baseline.json

# Parameters of rules: what stands under `with` in the rule's file (`readiness explain RULE` shows it).
# parameters:
#   k8s/api-version-removed: {version: "1.33"}

# Which variants of one deployable are production: values files and overlays by paths relative to this directory, or by names alone.
# Where nothing is said their names decide (values-dev.yaml is not), and the report says how.
# environments:
#   production:
#     values: [values-prod.yaml]
#     overlays: [overlays/prod]
#     profiles: [web]
#     branches: [main]

# What files are for, where the report has it wrong; the last glob that fits counts.
# purpose:
#   "deploy/*": production
#   "charts/*/ci/*": test

# Rules that nothing may suppress; `comments` and `foreign-ignores`, which then count nowhere. In a file that is given with --config also
# settings that the file of the repository can't set (docs/security.md).
# locked: []

# What does not count, for a reason, until a day.
# waivers:
#   - rule: k8s/host-path-sensitive
#     path: deploy/agents/*
#     resource: DaemonSet/node-agent
#     reason: the agent reads the node's own logs
#     owner: platform team
#     until: "2027-06-30"
"""

# Of the two hooks one is on: both would say the same twice.
PRE_COMMIT_TEMPLATE = """\
repos:
  - repo: {repository}
    rev: {revision}
    hooks:
      # The files of the commit, with the project around them as context.
      - id: readiness
      # All files that git tracks: takes as long as the project is large, and needs one without open findings, or a baseline.
      # - id: readiness-all
"""

# Written where the installation does not tell which repository and commit it is of: a hook that names a wrong one would run a stranger's code.
PRE_COMMIT_TEMPLATE_WITHOUT_ORIGIN = """\
# This installation of readiness ({version}) does not tell which repository it came from. Put its address and a full commit here, and take the
# comment signs away.
# repos:
#   - repo: https://git.example.com/tools/readiness
#     rev: 0000000000000000000000000000000000000000
#     hooks:
#       - id: readiness
"""

WORKFLOW_TEMPLATE = """\
name: readiness
on:
  pull_request:
permissions:
  contents: read
concurrency:
  group: readiness-${{{{ github.ref }}}}
  cancel-in-progress: true
jobs:
  readiness:
    runs-on: ubuntu-24.04
    timeout-minutes: 10
    steps:
      - uses: actions/checkout@11bd71901bbe5b1630ceea73d27597364c9af683  # v4.2.2
        with:
          persist-credentials: false
      - uses: actions/setup-python@a26af69be951a213d495a4c3e4e4022e16d87065  # v5.6.0
        with:
          python-version: "3.13"
{install}
      - run: readiness check --format github .
"""
INSTALL_STEP_TEMPLATE = """\
      - run: pip install '{requirement}'"""
INSTALL_STEP_WITHOUT_ORIGIN = """\
      # This installation of readiness ({version}) does not tell where it came from. Name that here (a package index, or a repository with a full
      # commit), and take `exit 1` away.
      - run: |
          echo "::error::say in .github/workflows/readiness.yml where readiness is installed from"
          exit 1
          pip install 'readiness @ git+https://git.example.com/tools/readiness@0000000000000000000000000000000000000000'"""


def settings_text(*, has_baseline: bool) -> str:
    """The settings file, with the baseline where there is one."""
    return SETTINGS_TEMPLATE.replace(f"# {_BASELINE_LINE}", _BASELINE_LINE) if has_baseline else SETTINGS_TEMPLATE


def hints(*, has_hook: bool, has_baseline: bool, kept_file_names: Collection[str]) -> list[str]:
    """What is left to do by hand, and how to begin where a project has findings already."""
    lines = []
    if has_baseline and ".readiness.yaml" in kept_file_names:
        lines.append(f".readiness.yaml: write `{_BASELINE_LINE}` into it, and what is open today does not count")
    if has_hook and not has_baseline:
        lines.append(
            "the hook asks for all that is open in the files of a commit; `readiness init --baseline`, or `readiness baseline`, writes down what is"
            " there today"
        )
    return lines


def pre_commit_config(origin: Origin) -> str:
    """A pre-commit configuration with the hook, of the repository and commit that are installed here; commented out where nobody knows them."""
    if not origin.repository:
        return PRE_COMMIT_TEMPLATE_WITHOUT_ORIGIN.format(version=__version__)
    return PRE_COMMIT_TEMPLATE.format(repository=origin.repository, revision=origin.revision)


def workflow(origin: Origin) -> str:
    """A workflow that installs what is installed here, and says what to write where nobody knows where that came from."""
    if not origin.requirement:
        return WORKFLOW_TEMPLATE.format(install=INSTALL_STEP_WITHOUT_ORIGIN.format(version=__version__))
    return WORKFLOW_TEMPLATE.format(install=INSTALL_STEP_TEMPLATE.format(requirement=origin.requirement))

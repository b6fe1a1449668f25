"""Writes `.pre-commit-hooks.yaml`: which files the hooks are for is told by the kinds, and by what charts, overlays and settings are called.

python -m tests.make_hooks
"""

from __future__ import annotations

import re
from pathlib import Path

from readiness import kinds
from readiness.settings import SETTINGS_FILENAME
from tests.conftest import ROOT

HOOKS_PATH = ROOT / ".pre-commit-hooks.yaml"
TEMPLATE_ENDINGS = r"(\.(j2|jinja2?|tmpl|tpl|gotmpl|template|in|erb|mustache|hbs|ejs|dist))?"  # of what makes one of ours
OTHER_PATTERNS = (r"[^/]+\.tpl", "kustomization", re.escape(SETTINGS_FILENAME))  # of charts and overlays, and what settings say of all
TEMPLATE = """\
# Written by `python -m tests.make_hooks`: `files` is what the kinds of readiness/kinds are called.
- id: readiness
  name: readiness
  description: Hold the staged files against production checklists; the project around them is read, and nothing is said of it
  entry: readiness check --for-commit --allow-empty --quiet
  language: python
  types: [text]
  files: '{files}'
  require_serial: true
# Rules that join files need all of them: a change of one may be wrong in another. What git does not track is left out here, too.
- id: readiness-all
  name: readiness (whole project)
  description: The same, over all files that git tracks
  entry: readiness check --for-commit --allow-empty --quiet
  language: python
  types: [text]
  files: '{files}'
  pass_filenames: false
  require_serial: true
"""


def file_pattern() -> str:
    """An expression over paths for the files of all kinds, and for what else decides what they mean."""
    words = dict.fromkeys([*(kinds.kind_module(kind).FILE_PATTERN for kind in kinds.KINDS_BY_PRECEDENCE), *OTHER_PATTERNS])
    return f"(?i)(^|/)({'|'.join(words)}){TEMPLATE_ENDINGS}$"


def hooks_text() -> str:
    """The whole file."""
    return TEMPLATE.format(files=file_pattern())


if __name__ == "__main__":
    Path(HOOKS_PATH).write_text(hooks_text(), encoding="utf-8")

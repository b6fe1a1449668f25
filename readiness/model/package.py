"""Where the installed package keeps its files."""

from __future__ import annotations

from pathlib import Path

PACKAGE_FOLDER = Path(__file__).resolve().parent.parent
DATA_FOLDER = PACKAGE_FOLDER / "data"

"""Where the installed package keeps its files."""

from __future__ import annotations

from pathlib import Path

FOLDER = Path(__file__).resolve().parent.parent
DATA = FOLDER / "data"

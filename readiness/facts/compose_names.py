"""The names by which Compose takes a file without being told."""

from __future__ import annotations

DEFAULT_COMPOSE_NAMES = frozenset({"compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml"})
DEFAULT_OVERRIDE_NAMES = frozenset(
    {"compose.override.yaml", "compose.override.yml", "docker-compose.override.yml", "docker-compose.override.yaml"}
)  # what it lays over such a file beside it

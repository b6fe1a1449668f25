"""The one loader of facts: `readiness/facts/<topic>.yaml`, or `.json` where a generator writes a large one.

A file says where its facts come from (`source`), on which day they were held against that (`read`), how long they may be
trusted (`every`, in days: `90d`), how they were made (`made-by`: a generator under tools/facts, or `hand`), and has one row
for each thing under `rows`. It may say which version of its source it is of (`version`). What several rows have alike may stand
under `shared`, with anchors, and is merged into them.

A topic is read when it is first asked for. No clock is asked here: whether facts are too old is for those to say who know the day.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from readiness.model import ParseError
from readiness.model.lazy_regex import lazy_regex
from readiness.syntax import compiled
from readiness.syntax.yaml import load_yaml_documents

FACTS_FOLDER = Path(__file__).parent
MADE_BY_HAND = "hand"
_DAY_COUNT_PATTERN = lazy_regex(r"([1-9][0-9]{0,3})d\Z")
_REQUIRED_FACTS_FILE_KEYS = frozenset({"source", "read", "every", "made-by", "rows"})
_OPTIONAL_FACTS_FILE_KEYS = frozenset({"version"})


class FactsError(Exception):
    """A file of facts that is not as it must be; the message says which and what is wrong."""


class FactsTable(NamedTuple):
    """The facts of one topic. `trusted_days` is the number of days for which they may be trusted after `read_on`."""

    topic: str
    source: tuple[str, ...]
    read_on: datetime.date
    trusted_days: int
    made_by: str
    rows: Mapping[str, Any]
    version: str = ""

    def age_in_days(self, today: datetime.date) -> int:
        """How many days ago they were held against their source."""
        return (today - self.read_on).days

    def is_stale(self, today: datetime.date) -> bool:
        """Whether they are older than they may be."""
        return self.age_in_days(today) > self.trusted_days


def fact_topics() -> list[str]:
    """The names of all files of facts, in order."""
    return sorted(path.stem for path in FACTS_FOLDER.iterdir() if path.suffix in {".yaml", ".json"})


@cache
def facts_table(topic: str) -> FactsTable:
    """The facts of a topic. Raises FactsError where their file is not as it must be."""
    return read_facts(FACTS_FOLDER, topic)


def fact_row_by_name(topic: str) -> Mapping[str, Any]:
    """What is known of each thing of a topic, by its name."""
    return facts_table(topic).rows


@cache
def property_by_fact_name(topic: str, property_name: str) -> Mapping[str, Any]:
    """One property of all things of a topic that have it, by their names."""
    return {thing: row[property_name] for thing, row in fact_row_by_name(topic).items() if property_name in row}


def read_facts(facts_folder: Path, topic: str) -> FactsTable:
    """The facts in one file of a folder. Raises FactsError."""
    for facts_file, load_facts_file in (
        (facts_folder / f"{topic}.yaml", _load_compiled_yaml),
        (facts_folder / f"{topic}.json", _load_json),
    ):
        try:
            return _parse_facts(topic, load_facts_file(facts_file))
        except FileNotFoundError:
            continue
        except (FactsError, ParseError, ValueError) as error:
            raise FactsError(f"facts/{facts_file.name}: {error}") from None
    raise FactsError(f"there are no facts on {topic!r}")


def _load_json(file: Path) -> Any:
    return json.loads(file.read_bytes())


def _load_compiled_yaml(file: Path) -> Any:
    return compiled.load_yaml_file(file, _load_yaml)


def _load_yaml(file: Path) -> Any:
    """What a YAML file says, without what is only there to be merged into rows."""
    yaml_documents = load_yaml_documents(file.read_text(encoding="utf-8"))
    facts_data = yaml_documents[0] if len(yaml_documents) == 1 else None
    if isinstance(facts_data, dict):
        facts_data.pop("shared", None)
    return facts_data


def _parse_facts(topic: str, facts_data: Any) -> FactsTable:
    if not isinstance(facts_data, dict) or facts_data.keys() - _OPTIONAL_FACTS_FILE_KEYS != _REQUIRED_FACTS_FILE_KEYS:
        raise FactsError(f"a file of facts is a mapping with {', '.join(sorted(_REQUIRED_FACTS_FILE_KEYS))}")
    source_addresses, generator_or_hand, row_by_name = facts_data["source"], facts_data["made-by"], facts_data["rows"]
    if not isinstance(source_addresses, list) or not source_addresses or not all(isinstance(one, str) for one in source_addresses):
        raise FactsError("source is a list of addresses")
    if not isinstance(generator_or_hand, str) or not isinstance(row_by_name, dict):
        raise FactsError("made-by is a string, rows is a mapping")
    day_count_match = _DAY_COUNT_PATTERN.match(str(facts_data["every"]))
    if day_count_match is None:
        raise FactsError("every is a number of days, as 90d")
    try:
        read_day = datetime.date.fromisoformat(str(facts_data["read"]))
    except ValueError:
        raise FactsError("read is a day, as 2026-11-01") from None
    source_version = str(facts_data.get("version", ""))
    return FactsTable(topic, tuple(source_addresses), read_day, int(day_count_match[1]), generator_or_hand, row_by_name, source_version)

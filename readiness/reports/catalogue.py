"""The catalogue of rules and the checklists as a person reads them: paragraphs that a pipe gets whole, and a terminal wrapped and in colours."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import NamedTuple

from readiness.model import Rule
from readiness.reports.ansi import Piece, painted, painted_paragraph
from readiness.reports.frame import escape_controls
from readiness.reports.links import rule_link
from readiness.reports.terminal import STYLE_BY_SEVERITY
from readiness.verdict.checklist import ChecklistOutcome, ItemVerdict

SHOWN_STATES = ("failed", "met", "attested", "open")  # in this order: what is to do, what is done, what nobody can tell from files
STYLE_BY_STATE = {"failed": "red", "met": "green", "attested": "green", "open": "yellow"}
MAX_PLACES_OF_ITEM = 3
_TEXT_COLUMN = 12  # where the text of an item begins


class Paragraph(NamedTuple):
    """A line of a pipe, which a terminal wraps: its further lines are indented by as many columns as its first pieces take."""

    pieces: Sequence[Piece]
    indent: int = 0


def plain_line(paragraph: Paragraph) -> str:
    """A paragraph as one line without colours."""
    return "".join(piece[0] for piece in paragraph.pieces).rstrip()


def drawn_paragraph(paragraph: Paragraph, width: int) -> list[str]:
    """A paragraph as the lines of a terminal of `width` columns."""
    prefix, prefix_width, piece_count = "", 0, 0
    while prefix_width < paragraph.indent:
        piece = paragraph.pieces[piece_count]
        prefix, prefix_width, piece_count = prefix + painted(*piece), prefix_width + len(piece[0]), piece_count + 1
    return painted_paragraph(paragraph.pieces[piece_count:], width, prefix=prefix, indent=paragraph.indent)


def rule_paragraphs(rules: Sequence[Rule]) -> Iterator[Paragraph]:
    """A line for each rule of a pipe, in columns."""
    id_width = max(len(rule.id) for rule in rules)
    for rule in rules:
        yield Paragraph([(f"{rule.id:{id_width}}  {rule.severity!s:8}  {rule.level:11}  {rule.title}", "")])


def drawn_rule_paragraphs(rules: Sequence[Rule], width: int, *, hyperlinks: bool = False) -> Iterator[Paragraph]:
    """A line for each rule of a terminal: the severity, the rule with its title, and its level unless it is on by default.

    The titles are in a column where a line of `width` has room for all of them, else each is right behind its rule.
    """
    id_width = max(len(rule.id) for rule in rules)
    if any(len(f"{rule.severity!s:<10}{'':{id_width}}  {rule.title}{_level_text(rule)}") > width for rule in rules):
        id_width = 0
    for rule in rules:
        pieces: list[Piece] = [(f"{rule.severity!s:<10}", STYLE_BY_SEVERITY[rule.severity])]
        pieces += [(rule.id, "bold", rule_link(rule.id, hyperlinks=hyperlinks)), (" " * (id_width - len(rule.id)), "")]
        yield Paragraph([*pieces, (f"  {rule.title}", ""), (_level_text(rule), "dim")], 10)


def _level_text(rule: Rule) -> str:
    """In which profile a rule is, where it is not on by default."""
    return {"recommended": "", "strict": "  (in strict)"}.get(rule.level, "  (off)")


def text_paragraph(text: str) -> Paragraph:
    """A line of text, which keeps its indent where it goes on."""
    indent = len(text) - len(text.lstrip(" "))
    return Paragraph([(" " * indent, ""), (escape_controls(text[indent:]), "")], indent)


def checklist_paragraphs(outcomes: Sequence[ChecklistOutcome], states: Collection[str]) -> Iterator[Paragraph]:
    """The counts of each checklist, then its items of these states: what failed, what is met, what is open, with the places that show it."""
    for outcome in outcomes:
        yield _counts_paragraph(outcome)
    for outcome in outcomes:
        shown_verdicts = [verdict for state in SHOWN_STATES if state in states for verdict in outcome.verdicts if verdict.state == state]
        if shown_verdicts:
            yield Paragraph([])
            yield Paragraph([(outcome.checklist.title, "bold")])
        for item_verdict in shown_verdicts:
            yield from _item_paragraphs(item_verdict)


def _counts_paragraph(outcome: ChecklistOutcome) -> Paragraph:
    pieces: list[Piece] = [(f"{outcome.checklist.title}: ", "")]
    for state in SHOWN_STATES:
        if (count := outcome.count(state)) or state != "attested":
            pieces += [(", " if len(pieces) > 1 else "", ""), (f"{count} {state}", STYLE_BY_STATE[state] if count else "dim")]
    return Paragraph(pieces)


def _item_paragraphs(item_verdict: ItemVerdict) -> Iterator[Paragraph]:
    """An item with its state, what it asks, the places that show the state or the reason of it, and the units that differ."""
    state, item = item_verdict.state, item_verdict.item
    yield Paragraph([("  ", ""), (f"{state:8}", STYLE_BY_STATE[state]), ("  ", ""), (item.id, "bold"), (f": {item.question}", "")], _TEXT_COLUMN)
    yield _detail_paragraph(_places_text(item_verdict) or item_verdict.reason)
    if len({unit_verdict.state for unit_verdict in item_verdict.units}) > 1:
        for unit_verdict in item_verdict.units:
            yield _detail_paragraph(f"{unit_verdict.state} in {unit_verdict.unit or '.'}")


def _places_text(item_verdict: ItemVerdict) -> str:
    """The first places, those of each rule behind its id, and how many more there are; empty where there is none."""
    rules_and_places = [(one.rule, f"{one.path}:{one.line}") for one in item_verdict.findings]
    rules_and_places += [("", f"{place.path}:{place.line}") for place in item_verdict.evidence]
    distinct_places = list(dict.fromkeys(rules_and_places))  # several findings may be on one line
    places_by_rule: dict[str, list[str]] = {}
    for rule_id, place_text in distinct_places[:MAX_PLACES_OF_ITEM]:
        places_by_rule.setdefault(rule_id, []).append(place_text)
    hidden_count = len(distinct_places) - MAX_PLACES_OF_ITEM
    texts = [f"{rule_id}: {', '.join(places)}" if rule_id else ", ".join(places) for rule_id, places in places_by_rule.items()]
    return "; ".join(texts) + (f" and {hidden_count} more" if hidden_count > 0 else "")


def _detail_paragraph(text: str) -> Paragraph:
    return Paragraph([(" " * _TEXT_COLUMN, ""), (escape_controls(text), "dim")], _TEXT_COLUMN)


def shown_checklist_rows(rows: Iterable[dict[str, object]], states: Collection[str]) -> list[dict[str, object]]:
    """Checklists of the JSON report with the items of these states alone; their counts are of all items."""
    return [{**row, "items": [item for item in _items_of(row) if item["state"] in states]} for row in rows]


def _items_of(row: dict[str, object]) -> list[dict[str, object]]:
    items = row["items"]
    return items if isinstance(items, list) else []

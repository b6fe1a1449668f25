"""Variables in arguments: where their values come from, and which characters a client can put into them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from readiness.facts.table import fact_column
from readiness.kinds.nginx import DirectiveSubject, includes, location_match
from readiness.model import CheckOutcome, hit
from readiness.model.project import Project
from readiness.syntax import pcre, pcre_tree
from readiness.syntax.nginx import Block, Directive

VARIABLE_REFERENCE = re.compile(r"\$(?:\{([A-Za-z0-9_]+)\}|([1-9])|([A-Za-z0-9_]+))")
_LINE_BREAK = pcre_tree.char_mask("\n")
_VISIBLE_MASK = pcre_tree.ANY_MASK & ~pcre_tree.char_mask("\x00\t\n\v\f\r ")
_CLIENT_VARIABLE = re.compile(r"(?:arg|http|cookie)_\w+|args|query_string|request_body|is_args")
_DEPTH_KEY = ("depth", 0)
_MAX_DEPTH = 30  # variables made of variables
_MAX_SEARCHED_DIRECTIVES = 60  # directives looked through for one variable


@dataclass(frozen=True, slots=True)
class PossibleValue:
    """What a variable can hold: the characters that a client chooses, whether there is always a slash, whether decoded.

    `client_characters` is empty for what the configuration alone decides. `is_decoded` says that it is a piece of the path after
    nginx has decoded it.
    """

    client_characters: int = 0
    has_slash: bool = False
    is_decoded: bool = False


UNKNOWN_VALUE = PossibleValue()
_DECODED_VALUE = PossibleValue(pcre_tree.ANY_MASK & ~pcre_tree.char_mask("\x00"), has_slash=True, is_decoded=True)


def variable_names(text: str) -> list[str]:
    """The variables in an argument, captures as digits, in order, lower case as nginx reads them."""
    return [(a or b or c).lower() for a, b, c in VARIABLE_REFERENCE.findall(text)]


def literal_variable_pairs(text: str) -> Iterator[tuple[str, str]]:
    """(literal before, variable) pairs of an argument; the last pair has the literal after it and no variable."""
    place = 0
    for match in VARIABLE_REFERENCE.finditer(text):
        yield text[place : match.start()], (match[1] or match[2] or match[3]).lower()
        place = match.end()
    yield text[place:], ""


def pattern_of(directive: Directive) -> tuple[str, bool] | None:
    """The expression of a `location ~`, an `if (... ~ ...)` or a `rewrite`, and whether case is ignored."""
    args = directive.args
    if directive.name == "location":
        sign, path = location_match(directive)
        return (path, sign == "~*") if sign.startswith("~") else None
    if directive.name == "rewrite" and args:
        return args[0], False
    if directive.name == "if" and len(args) >= 3 and args[1] in {"~", "~*", "!~", "!~*"}:
        return condition_parts(directive)[2], args[1].endswith("*")
    return None


def condition_parts(directive: Directive) -> tuple[str, str, str]:
    """The three parts of an `if`: the left side, the operator, the right side; brackets taken off."""
    words = list(directive.args)
    if words and words[0].startswith("("):
        words[0] = words[0][1:]
    if words and words[-1].endswith(")"):
        words[-1] = words[-1][:-1]
    words = [word for word in words if word]
    left = words[0] if words else ""
    operator = words[1] if len(words) > 1 else ""
    return left, operator, " ".join(words[2:])


@dataclass(frozen=True, slots=True)
class CaptureProvider:
    """An expression whose captures a directive can read, and what it is matched against."""

    regex: pcre_tree.Regex | None
    matched_value: PossibleValue
    is_negated: bool = False


def capture_providers(project: Project, directive: Directive) -> list[CaptureProvider]:
    """The expressions whose captures can be meant by `$1` in a directive, the likeliest first; worked out once.

    Directives of the rewrite module run in the order of the text and see only what stands before them.
    """
    notes = includes.include_tree(project).cached_results
    key = (capture_providers, id(directive))
    if key not in notes:
        notes[key] = []
        notes[key] = _capture_providers(project, directive)
    answer: list[CaptureProvider] = notes[key]
    return answer


def _capture_providers(project: Project, directive: Directive) -> list[CaptureProvider]:
    providers: list[CaptureProvider] = []
    early = directive.name in {"set", "return", "if", "rewrite"}
    below: Directive | None = directive
    for block in includes.levels_outwards(project, directive.parent):
        places = includes.context_level(project, block).position_by_directive_id
        stop = places.get(id(below), _MAX_SEARCHED_DIRECTIVES**3) if early else _MAX_SEARCHED_DIRECTIVES**3
        before = [
            d for d in includes.directives_of(project, block, "rewrite")[:_MAX_SEARCHED_DIRECTIVES] if places[id(d)] < stop
        ]
        providers += _rewrite_capture_providers(directive, before)
        if block.owner is not None:
            providers += _block_capture_providers(project, block, block.owner)
        for opening in includes.directives_of(project, block, "if")[:_MAX_SEARCHED_DIRECTIVES]:
            if (
                places[id(opening)] < stop
                and opening is not below
                and pattern_of(opening)
                and not condition_parts(opening)[1].startswith("!")
            ):
                providers.append(_pattern_provider(opening, possible_value(project, opening, condition_parts(opening)[0])))
        below = block.owner
    return providers


def _rewrite_capture_providers(directive: Directive, earlier_rewrites: list[Directive]) -> list[CaptureProvider]:
    """The rewrites of a level, the last one first; behind `rewrite ^ $request_uri` they match the raw path."""
    raw = False
    providers = []
    for d in earlier_rewrites:
        if d is not directive:
            providers.append(_pattern_provider(d, PossibleValue(_VISIBLE_MASK, has_slash=True) if raw else _DECODED_VALUE))
            raw = raw or (len(d.args) > 1 and "$request_uri" in d.args[1])
    return providers[::-1]


def _block_capture_providers(project: Project, block: Block, owner: Directive) -> list[CaptureProvider]:
    """The expression that opens a block: of an `if`, of a location, of a server's names."""
    if owner.name == "if" and pattern_of(owner):
        return [_pattern_provider(owner, possible_value(project, owner, condition_parts(owner)[0]))]
    if owner.name == "location" and pattern_of(owner):
        return [_pattern_provider(owner, _DECODED_VALUE)]
    if owner.name != "server":
        return []
    names_ = [name for d in includes.directives_of(project, block, "server_name") for name in d.args if name.startswith("~")]
    return [
        CaptureProvider(
            pcre.try_parse_regex(name[1:], True),
            PossibleValue(_VISIBLE_MASK & ~pcre_tree.char_mask("/:")),
        )
        for name in names_
    ]


def _pattern_provider(directive: Directive, subject: PossibleValue) -> CaptureProvider:
    pattern = pattern_of(directive)
    operator = condition_parts(directive)[1] if directive.name == "if" else ""
    return CaptureProvider(pcre.try_parse_regex(*pattern) if pattern else None, subject, operator.startswith("!"))


def possible_value(project: Project, directive: Directive, text: str) -> PossibleValue:
    """What the first variable of a text can hold where the directive stands; UNKNOWN for plain text."""
    match = VARIABLE_REFERENCE.match(text)
    return variable_value(project, directive, (match[1] or match[2] or match[3]).lower()) if match else UNKNOWN_VALUE


def variable_value(project: Project, directive: Directive, name: str) -> PossibleValue:
    """What a variable can hold where the directive stands."""
    if name.isdigit():
        return _capture_value(project, directive, int(name))
    given = _assigned_value(project, directive, name)
    if given is not None:
        return given
    named = _capture_value(project, directive, name)
    if named is not UNKNOWN_VALUE:
        return named
    if name in {"uri", "document_uri"}:
        if any("$request_uri" in d.joined_arguments for d in _unconditional_rewrites(project, directive)):
            return PossibleValue(_VISIBLE_MASK, has_slash=True)
        return _DECODED_VALUE
    if name == "request_uri":
        return PossibleValue(_VISIBLE_MASK, has_slash=True)
    return PossibleValue(_VISIBLE_MASK) if _CLIENT_VARIABLE.fullmatch(name) and name != "is_args" else UNKNOWN_VALUE


def _unconditional_rewrites(project: Project, directive: Directive) -> Iterator[Directive]:
    """The rewrites that always run before a directive's location is served and put the raw path into `$uri`."""
    for block in includes.levels_outwards(project, directive.parent):
        for d in includes.directives_of(project, block, "rewrite"):
            if len(d.args) > 1 and "$request_uri" in d.args[1] and not is_redirect(d):
                yield d
        if block.opening_directive_name in {"location", "server"}:
            return


def _capture_value(project: Project, directive: Directive, key: int | str) -> PossibleValue:
    """What a capture can hold: the characters of its group that the text it is matched against can have."""
    for provider in capture_providers(project, directive):
        if provider.regex is None:
            return UNKNOWN_VALUE
        group = provider.regex.group(key)
        if group is not None:
            chars = 0
            for part in pcre_tree.walk_nodes(group):
                chars |= part.char_mask if part.kind == "chars" else 0
            if not provider.matched_value.client_characters:
                return PossibleValue()
            return PossibleValue(
                chars & provider.matched_value.client_characters,
                pcre_tree.must_hold(group, pcre_tree.char_mask("/")),
                provider.matched_value.is_decoded,
            )
    return UNKNOWN_VALUE


def _assigned_value(project: Project, directive: Directive, name: str) -> PossibleValue | None:
    """What `set`, `map` and `geo` put into a variable, worked out once a level; variables may form a ring."""
    notes = includes.include_tree(project).cached_results
    key = (name, id(includes.enclosing_block(project, directive.parent)))
    depth: int = notes.get(_DEPTH_KEY, 0)
    if key not in notes and depth < _MAX_DEPTH:
        notes[key], notes[_DEPTH_KEY] = UNKNOWN_VALUE, depth + 1
        notes[key] = _assigned_in_sight(project, directive, name)
        notes[_DEPTH_KEY] = depth
    answer: PossibleValue | None = notes.get(key, UNKNOWN_VALUE)
    return answer


def _assigned_in_sight(project: Project, directive: Directive, name: str) -> PossibleValue | None:
    """Everything that any of the definitions in sight can put into a variable; None where there is none."""
    parts: list[PossibleValue] = []
    slash = True
    for definition in definitions_of(project, directive.parent, name):
        if definition.name == "set":
            parts.append(text_value(project, definition, definition.args[1]) if len(definition.args) > 1 else UNKNOWN_VALUE)
            slash = slash and parts[-1].has_slash
            continue
        entries = [
            d
            for d in (definition.block.directives if definition.block else [])
            if d.args and d.name not in {"include", "hostnames"}
        ]
        for entry in entries:
            parts.append(_map_entry_value(project, definition, entry))
            slash = slash and parts[-1].has_slash
        slash = slash and any(entry.name == "default" for entry in entries)
    if not parts:
        return None
    client = 0
    for part in parts:
        client |= part.client_characters
    return PossibleValue(client, slash, any(part.is_decoded for part in parts))


def _map_entry_value(project: Project, table: Directive, entry: Directive) -> PossibleValue:
    """What one line of a `map` gives: captures in it are those of its own key."""
    text = entry.args[-1]
    key = entry.name
    regex = pcre.try_parse_regex(key[1:].lstrip("*"), key.startswith("~*")) if key.startswith("~") else None
    if regex is None:
        return text_value(project, table, text)
    subject = possible_value(project, table, table.args[0] if table.args else "")
    client, slash, decoded = 0, _has_slash(text), False
    for name in variable_names(text):
        group = regex.group(int(name)) if name.isdigit() else regex.group(name)
        if group is None:
            part = UNKNOWN_VALUE if name.isdigit() else variable_value(project, table, name)
        else:
            chars = 0
            for piece in pcre_tree.walk_nodes(group):
                chars |= piece.char_mask if piece.kind == "chars" else 0
            part = PossibleValue(
                chars & subject.client_characters,
                pcre_tree.must_hold(group, pcre_tree.char_mask("/")),
                subject.is_decoded,
            )
        client |= part.client_characters
        slash = slash or part.has_slash
        decoded = decoded or (part.is_decoded and part.client_characters != 0)
    return PossibleValue(client, slash, decoded)


def _has_slash(text: str) -> bool:
    """Whether the literal part of a text has a slash behind the one of `scheme://`."""
    return "/" in VARIABLE_REFERENCE.sub("", text).replace("://", "")


def text_value(project: Project, directive: Directive, text: str) -> PossibleValue:
    """What a text with variables can hold, taken together."""
    client, slash, decoded = 0, _has_slash(text), False
    for name in variable_names(text):
        part = variable_value(project, directive, name)
        if name.isdigit() and directive.name == "set":
            part = PossibleValue(part.client_characters, part.has_slash, False)  # `set` escapes captures again
        client |= part.client_characters
        slash = slash or part.has_slash
        decoded = decoded or part.is_decoded
    return PossibleValue(client, slash, decoded)


def definitions_of(project: Project, block: Block, name: str) -> list[Directive]:
    """The `set`, `map` and `geo` directives that fill a variable and are in sight of a block."""
    directives: list[Directive] = []
    for level in includes.levels_outwards(project, block):
        directives += project.memoize_for_subject(_level_definitions, level).get(name, [])
    return directives[:_MAX_SEARCHED_DIRECTIVES]


def _level_definitions(block: Block, project: Project) -> dict[str, list[Directive]]:
    """What a level defines, by the variable's name; a `set` in one of its `if` counts as its own."""
    definitions: dict[str, list[Directive]] = {}
    for d in includes.directives_of(project, block, "set", "map", "geo", "if"):
        inner = d.block.directives_named("set") if d.name == "if" and d.block is not None else [d]
        for directive in inner:
            target = (directive.args[0] if directive.name == "set" else directive.args[-1]) if directive.args else ""
            if directive.name != "if":
                definitions.setdefault(target.lstrip("$").lower(), []).append(directive)
    return definitions


def is_redirect(rewrite: Directive) -> bool:
    """Whether a rewrite answers the client with a redirect."""
    target = rewrite.args[1] if len(rewrite.args) > 1 else ""
    return target.startswith(("http://", "https://", "$scheme")) or bool({"redirect", "permanent"} & set(rewrite.args[2:]))


# -- header and request splitting ---------------------------------------------------------------------------------


def http_splitting(statement: DirectiveSubject, project: Project) -> CheckOutcome:
    """A decoded piece of the path, which can hold line breaks, goes into a header, a redirect or a proxied request."""
    directive = statement.node
    for number in _header_argument_numbers(directive):
        text = directive.args[number - 1]
        for name in variable_names(text):
            if directive.name == "rewrite" and _is_own_capture(directive, name):
                continue  # a rewrite escapes its captures
            if variable_value(project, directive, name).client_characters & _LINE_BREAK:
                yield hit(directive.at(number), variable=f"${name}", directive=directive.name)
                break


def _is_own_capture(rewrite: Directive, name: str) -> bool:
    """Whether a variable of a rewrite's target is a group of its own expression."""
    regex = pcre.try_parse_regex(rewrite.args[0])
    return name.isdigit() or regex is None or regex.group(name) is not None


def _header_argument_numbers(directive: Directive) -> Iterable[int]:
    """The numbers of the arguments that end up in a header or a request line."""
    count = len(directive.args)
    if directive.name in {"add_header", "add_trailer", "proxy_set_header", "grpc_set_header"}:
        return range(2, min(count, 2) + 1)
    if directive.name == "proxy_pass":
        return range(1, min(count, 1) + 1)
    if directive.name == "return":
        if count == 2 and directive.args[0] in fact_column("http-statuses", "redirects"):
            return (2,)
        return (1,) if count == 1 and not directive.args[0].isdigit() else ()
    if directive.name == "rewrite" and is_redirect(directive):
        return (2,) if count > 1 else ()
    return ()

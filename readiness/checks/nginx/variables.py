"""Variables in arguments: where their values come from, and which characters a client can put into them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from readiness.facts.table import column
from readiness.kinds.nginx import Statement, includes, location_match
from readiness.model import Outcome, hit
from readiness.model.project import Project
from readiness.syntax import pcre, pcre_tree
from readiness.syntax.nginx import Block, Directive

VARIABLE = re.compile(r"\$(?:\{([A-Za-z0-9_]+)\}|([1-9])|([A-Za-z0-9_]+))")
_LINE_BREAK = pcre_tree.char_mask("\n")
_VISIBLE = pcre_tree.ANY & ~pcre_tree.char_mask("\x00\t\n\v\f\r ")
_CLIENT = re.compile(r"(?:arg|http|cookie)_\w+|args|query_string|request_body|is_args")
_DEEP = ("depth", 0)
_DEPTH = 30  # variables made of variables
_SEARCHED = 60  # directives looked through for one variable


@dataclass(frozen=True, slots=True)
class Value:
    """What a variable can hold: the characters that a client chooses, whether there is always a slash, whether decoded.

    `client` is empty for what the configuration alone decides. `decoded` says that it is a piece of the path after
    nginx has decoded it.
    """

    client: int = 0
    slash: bool = False
    decoded: bool = False


UNKNOWN = Value()
_DECODED = Value(pcre_tree.ANY & ~pcre_tree.char_mask("\x00"), slash=True, decoded=True)


def variable_names(text: str) -> list[str]:
    """The variables in an argument, captures as digits, in order, lower case as nginx reads them."""
    return [(a or b or c).lower() for a, b, c in VARIABLE.findall(text)]


def literal_variable_pairs(text: str) -> Iterator[tuple[str, str]]:
    """(literal before, variable) pairs of an argument; the last pair has the literal after it and no variable."""
    place = 0
    for match in VARIABLE.finditer(text):
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
class Provider:
    """An expression whose captures a directive can read, and what it is matched against."""

    regex: pcre_tree.Regex | None
    subject: Value
    negated: bool = False


def capture_providers(project: Project, directive: Directive) -> list[Provider]:
    """The expressions whose captures can be meant by `$1` in a directive, the likeliest first; worked out once.

    Directives of the rewrite module run in the order of the text and see only what stands before them.
    """
    notes = includes.include_tree(project).notes
    key = (capture_providers, id(directive))
    if key not in notes:
        notes[key] = []
        notes[key] = _capture_providers(project, directive)
    answer: list[Provider] = notes[key]
    return answer


def _capture_providers(project: Project, directive: Directive) -> list[Provider]:
    providers: list[Provider] = []
    early = directive.name in {"set", "return", "if", "rewrite"}
    below: Directive | None = directive
    for block in includes.levels_outwards(project, directive.parent):
        places = includes.context_level(project, block).places
        stop = places.get(id(below), _SEARCHED**3) if early else _SEARCHED**3
        before = [
            d
            for d in includes.directives_of(project, block, "rewrite")[:_SEARCHED]
            if places[id(d)] < stop
        ]
        providers += _rewrites(directive, before)
        if block.owner is not None:
            providers += _opening_pattern(project, block, block.owner)
        for opening in includes.directives_of(project, block, "if")[:_SEARCHED]:
            if (
                places[id(opening)] < stop
                and opening is not below
                and pattern_of(opening)
                and not condition_parts(opening)[1].startswith("!")
            ):
                providers.append(
                    _pattern_provider(
                        opening, possible_value(project, opening, condition_parts(opening)[0])
                    )
                )
        below = block.owner
    return providers


def _rewrites(directive: Directive, before: list[Directive]) -> list[Provider]:
    """The rewrites of a level, the last one first; behind `rewrite ^ $request_uri` they match the raw path."""
    raw = False
    providers = []
    for d in before:
        if d is not directive:
            providers.append(_pattern_provider(d, Value(_VISIBLE, slash=True) if raw else _DECODED))
            raw = raw or (len(d.args) > 1 and "$request_uri" in d.args[1])
    return providers[::-1]


def _opening_pattern(project: Project, block: Block, owner: Directive) -> list[Provider]:
    """The expression that opens a block: of an `if`, of a location, of a server's names."""
    if owner.name == "if" and pattern_of(owner):
        return [_pattern_provider(owner, possible_value(project, owner, condition_parts(owner)[0]))]
    if owner.name == "location" and pattern_of(owner):
        return [_pattern_provider(owner, _DECODED)]
    if owner.name != "server":
        return []
    names_ = [
        name
        for d in includes.directives_of(project, block, "server_name")
        for name in d.args
        if name.startswith("~")
    ]
    return [
        Provider(pcre.try_parse_regex(name[1:], True), Value(_VISIBLE & ~pcre_tree.char_mask("/:")))
        for name in names_
    ]


def _pattern_provider(directive: Directive, subject: Value) -> Provider:
    pattern = pattern_of(directive)
    operator = condition_parts(directive)[1] if directive.name == "if" else ""
    return Provider(
        pcre.try_parse_regex(*pattern) if pattern else None, subject, operator.startswith("!")
    )


def possible_value(project: Project, directive: Directive, text: str) -> Value:
    """What the first variable of a text can hold where the directive stands; UNKNOWN for plain text."""
    match = VARIABLE.match(text)
    return (
        variable_value(project, directive, (match[1] or match[2] or match[3]).lower())
        if match
        else UNKNOWN
    )


def variable_value(project: Project, directive: Directive, name: str) -> Value:
    """What a variable can hold where the directive stands."""
    if name.isdigit():
        return _capture_value(project, directive, int(name))
    given = _assigned_values(project, directive, name)
    if given is not None:
        return given
    named = _capture_value(project, directive, name)
    if named is not UNKNOWN:
        return named
    if name in {"uri", "document_uri"}:
        if any("$request_uri" in d.value for d in _unconditional_rewrites(project, directive)):
            return Value(_VISIBLE, slash=True)
        return _DECODED
    if name == "request_uri":
        return Value(_VISIBLE, slash=True)
    return Value(_VISIBLE) if _CLIENT.fullmatch(name) and name != "is_args" else UNKNOWN


def _unconditional_rewrites(project: Project, directive: Directive) -> Iterator[Directive]:
    """The rewrites that always run before a directive's location is served and put the raw path into `$uri`."""
    for block in includes.levels_outwards(project, directive.parent):
        for d in includes.directives_of(project, block, "rewrite"):
            if len(d.args) > 1 and "$request_uri" in d.args[1] and not is_redirect(d):
                yield d
        if block.name in {"location", "server"}:
            return


def _capture_value(project: Project, directive: Directive, key: int | str) -> Value:
    """What a capture can hold: the characters of its group that the text it is matched against can have."""
    for provider in capture_providers(project, directive):
        if provider.regex is None:
            return UNKNOWN
        group = provider.regex.group(key)
        if group is not None:
            chars = 0
            for part in pcre_tree.walk(group):
                chars |= part.chars if part.kind == "chars" else 0
            if not provider.subject.client:
                return Value()
            return Value(
                chars & provider.subject.client,
                pcre_tree.must_hold(group, pcre_tree.char_mask("/")),
                provider.subject.decoded,
            )
    return UNKNOWN


def _assigned_values(project: Project, directive: Directive, name: str) -> Value | None:
    """What `set`, `map` and `geo` put into a variable, worked out once a level; variables may form a ring."""
    notes = includes.include_tree(project).notes
    key = (name, id(includes.enclosing_block(project, directive.parent)))
    depth: int = notes.get(_DEEP, 0)
    if key not in notes and depth < _DEPTH:
        notes[key], notes[_DEEP] = UNKNOWN, depth + 1
        notes[key] = _assigned_in_sight(project, directive, name)
        notes[_DEEP] = depth
    answer: Value | None = notes.get(key, UNKNOWN)
    return answer


def _assigned_in_sight(project: Project, directive: Directive, name: str) -> Value | None:
    """Everything that any of the definitions in sight can put into a variable; None where there is none."""
    parts: list[Value] = []
    slash = True
    for definition in definitions_of(project, directive.parent, name):
        if definition.name == "set":
            parts.append(
                text_value(project, definition, definition.args[1])
                if len(definition.args) > 1
                else UNKNOWN
            )
            slash = slash and parts[-1].slash
            continue
        entries = [
            d
            for d in (definition.block.directives if definition.block else [])
            if d.args and d.name not in {"include", "hostnames"}
        ]
        for entry in entries:
            parts.append(_map_entry_value(project, definition, entry))
            slash = slash and parts[-1].slash
        slash = slash and any(entry.name == "default" for entry in entries)
    if not parts:
        return None
    client = 0
    for part in parts:
        client |= part.client
    return Value(client, slash, any(part.decoded for part in parts))


def _map_entry_value(project: Project, table: Directive, entry: Directive) -> Value:
    """What one line of a `map` gives: captures in it are those of its own key."""
    text = entry.args[-1]
    key = entry.name
    regex = (
        pcre.try_parse_regex(key[1:].lstrip("*"), key.startswith("~*"))
        if key.startswith("~")
        else None
    )
    if regex is None:
        return text_value(project, table, text)
    subject = possible_value(project, table, table.args[0] if table.args else "")
    client, slash, decoded = 0, _has_slash(text), False
    for name in variable_names(text):
        group = regex.group(int(name)) if name.isdigit() else regex.group(name)
        if group is None:
            part = UNKNOWN if name.isdigit() else variable_value(project, table, name)
        else:
            chars = 0
            for piece in pcre_tree.walk(group):
                chars |= piece.chars if piece.kind == "chars" else 0
            part = Value(
                chars & subject.client,
                pcre_tree.must_hold(group, pcre_tree.char_mask("/")),
                subject.decoded,
            )
        client |= part.client
        slash = slash or part.slash
        decoded = decoded or (part.decoded and part.client != 0)
    return Value(client, slash, decoded)


def _has_slash(text: str) -> bool:
    """Whether the literal part of a text has a slash behind the one of `scheme://`."""
    return "/" in VARIABLE.sub("", text).replace("://", "")


def text_value(project: Project, directive: Directive, text: str) -> Value:
    """What a text with variables can hold, taken together."""
    client, slash, decoded = 0, _has_slash(text), False
    for name in variable_names(text):
        part = variable_value(project, directive, name)
        if name.isdigit() and directive.name == "set":
            part = Value(part.client, part.slash, False)  # `set` escapes captures again
        client |= part.client
        slash = slash or part.slash
        decoded = decoded or part.decoded
    return Value(client, slash, decoded)


def definitions_of(project: Project, block: Block, name: str) -> list[Directive]:
    """The `set`, `map` and `geo` directives that fill a variable and are in sight of a block."""
    directives: list[Directive] = []
    for level in includes.levels_outwards(project, block):
        directives += project.once(_level_definitions, level).get(name, [])
    return directives[:_SEARCHED]


def _level_definitions(block: Block, project: Project) -> dict[str, list[Directive]]:
    """What a level defines, by the variable's name; a `set` in one of its `if` counts as its own."""
    definitions: dict[str, list[Directive]] = {}
    for d in includes.directives_of(project, block, "set", "map", "geo", "if"):
        inner = d.block.all("set") if d.name == "if" and d.block is not None else [d]
        for directive in inner:
            target = (
                (directive.args[0] if directive.name == "set" else directive.args[-1])
                if directive.args
                else ""
            )
            if directive.name != "if":
                definitions.setdefault(target.lstrip("$").lower(), []).append(directive)
    return definitions


def is_redirect(rewrite: Directive) -> bool:
    """Whether a rewrite answers the client with a redirect."""
    target = rewrite.args[1] if len(rewrite.args) > 1 else ""
    return target.startswith(("http://", "https://", "$scheme")) or bool(
        {"redirect", "permanent"} & set(rewrite.args[2:])
    )


# -- header and request splitting ---------------------------------------------------------------------------------


def http_splitting(statement: Statement, project: Project) -> Outcome:
    """A decoded piece of the path, which can hold line breaks, goes into a header, a redirect or a proxied request."""
    directive = statement.node
    for number in _sensitive_arguments(directive):
        text = directive.args[number - 1]
        for name in variable_names(text):
            if directive.name == "rewrite" and _own_capture(directive, name):
                continue  # a rewrite escapes its captures
            if variable_value(project, directive, name).client & _LINE_BREAK:
                yield hit(directive.at(number), variable=f"${name}", directive=directive.name)
                break


def _own_capture(rewrite: Directive, name: str) -> bool:
    """Whether a variable of a rewrite's target is a group of its own expression."""
    regex = pcre.try_parse_regex(rewrite.args[0])
    return name.isdigit() or regex is None or regex.group(name) is not None


def _sensitive_arguments(directive: Directive) -> Iterable[int]:
    """The numbers of the arguments that end up in a header or a request line."""
    count = len(directive.args)
    if directive.name in {"add_header", "add_trailer", "proxy_set_header", "grpc_set_header"}:
        return range(2, min(count, 2) + 1)
    if directive.name == "proxy_pass":
        return range(1, min(count, 1) + 1)
    if directive.name == "return":
        if count == 2 and directive.args[0] in column("http-statuses", "redirects"):
            return (2,)
        return (1,) if count == 1 and not directive.args[0].isdigit() else ()
    if directive.name == "rewrite" and is_redirect(directive):
        return (2,) if count > 1 else ()
    return ()

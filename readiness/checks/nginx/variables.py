"""Variables in arguments: where their values come from, and which characters a client can put into them."""

from __future__ import annotations

from collections.abc import Iterator

from readiness.kinds.nginx import includes, location_modifier_and_path
from readiness.model.lazy_regex import lazy_regex
from readiness.model.project import Project
from readiness.model.records import dataclass
from readiness.syntax import pcre, pcre_tree
from readiness.syntax.nginx import Block, Directive

VARIABLE_REFERENCE = lazy_regex(r"\$(?:\{([A-Za-z0-9_]{1,200})\}|([1-9])|([A-Za-z0-9_]{1,200}))")
_LINE_BREAK_MASK = pcre_tree.char_mask("\n")
_VISIBLE_MASK = pcre_tree.ANY_CHAR_MASK & ~pcre_tree.char_mask("\x00\t\n\v\f\r ")
_CLIENT_VARIABLE_PATTERN = lazy_regex(r"(?:arg|http|cookie)_\w+|args|query_string|request_body|is_args")
_VARIABLE_DEPTH_CACHE_KEY = ("depth", 0)
_MAX_VARIABLE_NESTING_DEPTH = 30  # variables made of variables
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


NO_CLIENT_VALUE = PossibleValue()
_DECODED_PATH_VALUE = PossibleValue(pcre_tree.ANY_CHAR_MASK & ~pcre_tree.char_mask("\x00"), has_slash=True, is_decoded=True)


def variable_names_in_text(text: str) -> list[str]:
    """The variables in an argument, captures as digits, in order, lower case as nginx reads them."""
    return [(a or b or c).lower() for a, b, c in VARIABLE_REFERENCE.findall(text)]


def literal_variable_pairs(text: str) -> Iterator[tuple[str, str]]:
    """(literal before, variable) pairs of an argument; the last pair has the literal after it and no variable."""
    literal_start = 0
    for variable_match in VARIABLE_REFERENCE.finditer(text):
        yield (text[literal_start : variable_match.start()], (variable_match[1] or variable_match[2] or variable_match[3]).lower())
        literal_start = variable_match.end()
    yield text[literal_start:], ""


def regex_and_case_of_directive(directive: Directive) -> tuple[str, bool] | None:
    """The expression of a `location ~`, an `if (... ~ ...)` or a `rewrite`, and whether case is ignored."""
    directive_arguments = directive.args
    if directive.name == "location":
        location_modifier, location_pattern = location_modifier_and_path(directive)
        return (location_pattern, location_modifier == "~*") if location_modifier.startswith("~") else None
    if directive.name == "rewrite" and directive_arguments:
        return directive_arguments[0], False
    if directive.name == "if" and len(directive_arguments) >= 3 and directive_arguments[1] in {"~", "~*", "!~", "!~*"}:
        return condition_parts(directive)[2], directive_arguments[1].endswith("*")
    return None


def condition_parts(directive: Directive) -> tuple[str, str, str]:
    """The three parts of an `if`: the left side, the operator, the right side; brackets taken off."""
    condition_words = list(directive.args)
    if condition_words and condition_words[0].startswith("("):
        condition_words[0] = condition_words[0][1:]
    if condition_words and condition_words[-1].endswith(")"):
        condition_words[-1] = condition_words[-1][:-1]
    condition_words = [word for word in condition_words if word]
    left_operand = condition_words[0] if condition_words else ""
    comparison_operator = condition_words[1] if len(condition_words) > 1 else ""
    return left_operand, comparison_operator, " ".join(condition_words[2:])


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
    cached_results = includes.include_tree(project).cached_results
    cache_key = (capture_providers, id(directive))
    if cache_key not in cached_results:
        cached_results[cache_key] = []
        cached_results[cache_key] = _find_capture_providers(project, directive)
    cached_providers: list[CaptureProvider] = cached_results[cache_key]
    return cached_providers


def _find_capture_providers(project: Project, directive: Directive) -> list[CaptureProvider]:
    found_providers: list[CaptureProvider] = []
    is_rewrite_module_directive = directive.name in {"set", "return", "if", "rewrite"}
    directive_in_block: Directive | None = directive
    for enclosing_block in includes.blocks_outwards(project, directive.parent):
        position_by_directive_id = includes.context_level_of_block(project, enclosing_block).position_by_directive_id
        end_position = (
            position_by_directive_id.get(id(directive_in_block), _MAX_SEARCHED_DIRECTIVES**3)
            if is_rewrite_module_directive
            else _MAX_SEARCHED_DIRECTIVES**3
        )
        earlier_rewrites = [
            d
            for d in includes.expanded_directives_of_block(project, enclosing_block, "rewrite")[:_MAX_SEARCHED_DIRECTIVES]
            if position_by_directive_id[id(d)] < end_position
        ]
        found_providers += _rewrite_capture_providers(directive, earlier_rewrites)
        if enclosing_block.owner is not None:
            found_providers += _block_capture_providers(project, enclosing_block, enclosing_block.owner)
        for if_directive in includes.expanded_directives_of_block(project, enclosing_block, "if")[:_MAX_SEARCHED_DIRECTIVES]:
            if (
                position_by_directive_id[id(if_directive)] < end_position
                and if_directive is not directive_in_block
                and regex_and_case_of_directive(if_directive)
                and not condition_parts(if_directive)[1].startswith("!")
            ):
                found_providers.append(
                    _capture_provider_of_pattern(if_directive, value_of_leading_variable(project, if_directive, condition_parts(if_directive)[0]))
                )
        directive_in_block = enclosing_block.owner
    return found_providers


def _rewrite_capture_providers(directive: Directive, earlier_rewrites: list[Directive]) -> list[CaptureProvider]:
    """The rewrites of a level, the last one first; behind `rewrite ^ $request_uri` they match the raw path."""
    is_path_raw = False
    providers = []
    for checked_directive in earlier_rewrites:
        if checked_directive is not directive:
            providers.append(
                _capture_provider_of_pattern(checked_directive, PossibleValue(_VISIBLE_MASK, has_slash=True) if is_path_raw else _DECODED_PATH_VALUE)
            )
            is_path_raw = is_path_raw or (len(checked_directive.args) > 1 and "$request_uri" in checked_directive.args[1])
    return providers[::-1]


def _block_capture_providers(project: Project, block: Block, opening_directive: Directive) -> list[CaptureProvider]:
    """The expression that opens a block: of an `if`, of a location, of a server's names."""
    if opening_directive.name == "if" and regex_and_case_of_directive(opening_directive):
        return [
            _capture_provider_of_pattern(
                opening_directive, value_of_leading_variable(project, opening_directive, condition_parts(opening_directive)[0])
            )
        ]
    if opening_directive.name == "location" and regex_and_case_of_directive(opening_directive):
        return [_capture_provider_of_pattern(opening_directive, _DECODED_PATH_VALUE)]
    if opening_directive.name != "server":
        return []
    regex_server_names = [
        name for d in includes.expanded_directives_of_block(project, block, "server_name") for name in d.args if name.startswith("~")
    ]
    return [
        CaptureProvider(pcre.try_parse_regex(name[1:], True), PossibleValue(_VISIBLE_MASK & ~pcre_tree.char_mask("/:")))
        for name in regex_server_names
    ]


def _capture_provider_of_pattern(directive: Directive, matched_value: PossibleValue) -> CaptureProvider:
    regex_and_case = regex_and_case_of_directive(directive)
    comparison_operator = condition_parts(directive)[1] if directive.name == "if" else ""
    return CaptureProvider(pcre.try_parse_regex(*regex_and_case) if regex_and_case else None, matched_value, comparison_operator.startswith("!"))


def value_of_leading_variable(project: Project, directive: Directive, text: str) -> PossibleValue:
    """What the first variable of a text can hold where the directive stands; UNKNOWN for plain text."""
    variable_match = VARIABLE_REFERENCE.match(text)
    return (
        variable_value(project, directive, (variable_match[1] or variable_match[2] or variable_match[3]).lower())
        if variable_match
        else NO_CLIENT_VALUE
    )


def variable_value(project: Project, directive: Directive, name: str) -> PossibleValue:
    """What a variable can hold where the directive stands."""
    if name.isdecimal():
        return _capture_value(project, directive, int(name))
    assigned_value = _cached_assigned_value(project, directive, name)
    if assigned_value is not None:
        return assigned_value
    named_capture_value = _capture_value(project, directive, name)
    if named_capture_value is not NO_CLIENT_VALUE:
        return named_capture_value
    if name in {"uri", "document_uri"}:
        if any("$request_uri" in d.joined_arguments for d in _raw_path_rewrites(project, directive)):
            return PossibleValue(_VISIBLE_MASK, has_slash=True)
        return _path_value_in_location(project, directive)
    if name == "request_uri":
        return PossibleValue(_VISIBLE_MASK, has_slash=True)
    return PossibleValue(_VISIBLE_MASK) if _CLIENT_VARIABLE_PATTERN.fullmatch(name) and name != "is_args" else NO_CLIENT_VALUE


def _path_value_in_location(project: Project, directive: Directive) -> PossibleValue:
    """What `$uri` can hold in the locations around a directive: a whole path by `=`, else what an expression for all of it admits.

    Before `$` one line break may still end the path, behind which nothing of the client's follows.
    """
    possible_characters = _DECODED_PATH_VALUE.client_characters
    for enclosing_block in includes.blocks_outwards(project, directive.parent):
        location_directive = enclosing_block.owner
        if location_directive is None or location_directive.name not in {"if", "limit_except", "location"}:
            break
        if any(d.name in {"rewrite", "try_files"} for d in includes.expanded_directives_of_block(project, enclosing_block)):
            return _DECODED_PATH_VALUE  # they give it another path
        if location_directive.name == "location":
            possible_characters &= _characters_of_location_path(location_directive)
    return PossibleValue(possible_characters, has_slash=True, is_decoded=True)


def _characters_of_location_path(location_directive: Directive) -> int:
    """The characters that a client can choose from for the paths that a location takes."""
    if location_modifier_and_path(location_directive)[0] == "=":
        return 0
    location_regex_and_case = regex_and_case_of_directive(location_directive)
    location_regex = pcre.try_parse_regex(*location_regex_and_case) if location_regex_and_case else None
    if location_regex is None or not all(pcre_tree.is_always_anchored(location_regex.root, anchor_kind) for anchor_kind in ("start", "end")):
        return pcre_tree.ANY_CHAR_MASK
    character_mask = 0
    for regex_node in pcre_tree.walk_nodes(location_regex.root):
        character_mask |= regex_node.char_mask if regex_node.kind == "chars" else 0
    return character_mask


def _raw_path_rewrites(project: Project, directive: Directive) -> Iterator[Directive]:
    """The rewrites that always run before a directive's location is served and put the raw path into `$uri`."""
    for enclosing_block in includes.blocks_outwards(project, directive.parent):
        for checked_directive in includes.expanded_directives_of_block(project, enclosing_block, "rewrite"):
            if len(checked_directive.args) > 1 and "$request_uri" in checked_directive.args[1] and not is_redirect(checked_directive):
                yield checked_directive
        if enclosing_block.opening_directive_name in {"location", "server"}:
            return


def _capture_value(project: Project, directive: Directive, group_number_or_name: int | str) -> PossibleValue:
    """What a capture can hold: the characters of its group that the text it is matched against can have."""
    for capture_provider in capture_providers(project, directive):
        if capture_provider.regex is None:
            return NO_CLIENT_VALUE
        captured_group = capture_provider.regex.group(group_number_or_name)
        if captured_group is not None:
            group_character_mask = 0
            for regex_node in pcre_tree.walk_nodes(captured_group):
                group_character_mask |= regex_node.char_mask if regex_node.kind == "chars" else 0
            if not capture_provider.matched_value.client_characters:
                return PossibleValue()
            return PossibleValue(
                group_character_mask & capture_provider.matched_value.client_characters,
                pcre_tree.always_matches_some_char_of(captured_group, pcre_tree.char_mask("/")),
                capture_provider.matched_value.is_decoded,
            )
    return NO_CLIENT_VALUE


def _cached_assigned_value(project: Project, directive: Directive, variable_name: str) -> PossibleValue | None:
    """What `set`, `map` and `geo` put into a variable, worked out once a level; variables may form a ring."""
    cached_results = includes.include_tree(project).cached_results
    cache_key = (variable_name, id(includes.outermost_including_block(project, directive.parent)))
    variable_depth: int = cached_results.get(_VARIABLE_DEPTH_CACHE_KEY, 0)
    if cache_key not in cached_results and variable_depth < _MAX_VARIABLE_NESTING_DEPTH:
        cached_results[cache_key], cached_results[_VARIABLE_DEPTH_CACHE_KEY] = NO_CLIENT_VALUE, variable_depth + 1
        cached_results[cache_key] = _value_from_all_definitions(project, directive, variable_name)
        cached_results[_VARIABLE_DEPTH_CACHE_KEY] = variable_depth
    cached_value: PossibleValue | None = cached_results.get(cache_key, NO_CLIENT_VALUE)
    return cached_value


def _value_from_all_definitions(project: Project, directive: Directive, variable_name: str) -> PossibleValue | None:
    """Everything that any of the definitions in sight can put into a variable; None where there is none."""
    definition_values: list[PossibleValue] = []
    is_slash_always_held = True
    for defining_directive in definitions_of_variable(project, directive.parent, variable_name):
        if defining_directive.name == "set":
            definition_values.append(
                possible_value_of_text(project, defining_directive, defining_directive.args[1])
                if len(defining_directive.args) > 1
                else NO_CLIENT_VALUE
            )
            is_slash_always_held = is_slash_always_held and definition_values[-1].has_slash
            continue
        map_entries = [
            d for d in (defining_directive.block.directives if defining_directive.block else []) if d.args and d.name not in {"include", "hostnames"}
        ]
        for map_entry in map_entries:
            definition_values.append(_map_entry_value(project, defining_directive, map_entry))
            is_slash_always_held = is_slash_always_held and definition_values[-1].has_slash
        is_slash_always_held = is_slash_always_held and any(map_entry.name == "default" for map_entry in map_entries)
    if not definition_values:
        return None
    client_character_mask = 0
    for definition_value in definition_values:
        client_character_mask |= definition_value.client_characters
    return PossibleValue(client_character_mask, is_slash_always_held, any(definition_value.is_decoded for definition_value in definition_values))


def _map_entry_value(project: Project, map_directive: Directive, map_entry: Directive) -> PossibleValue:
    """What one line of a `map` gives: captures in it are those of its own key."""
    mapped_text = map_entry.args[-1]
    map_key = map_entry.name
    map_key_regex = pcre.try_parse_regex(map_key[1:].lstrip("*"), map_key.startswith("~*")) if map_key.startswith("~") else None
    if map_key_regex is None:
        return possible_value_of_text(project, map_directive, mapped_text)
    matched_value = value_of_leading_variable(project, map_directive, map_directive.args[0] if map_directive.args else "")
    client_character_mask, is_slash_always_held, is_any_part_decoded = 0, _has_literal_slash(mapped_text), False
    for variable_name in variable_names_in_text(mapped_text):
        captured_group = map_key_regex.group(int(variable_name)) if variable_name.isdecimal() else map_key_regex.group(variable_name)
        if captured_group is None:
            value_of_variable = NO_CLIENT_VALUE if variable_name.isdecimal() else variable_value(project, map_directive, variable_name)
        else:
            group_character_mask = 0
            for regex_node in pcre_tree.walk_nodes(captured_group):
                group_character_mask |= regex_node.char_mask if regex_node.kind == "chars" else 0
            value_of_variable = PossibleValue(
                group_character_mask & matched_value.client_characters,
                pcre_tree.always_matches_some_char_of(captured_group, pcre_tree.char_mask("/")),
                matched_value.is_decoded,
            )
        client_character_mask |= value_of_variable.client_characters
        is_slash_always_held = is_slash_always_held or value_of_variable.has_slash
        is_any_part_decoded = is_any_part_decoded or (value_of_variable.is_decoded and value_of_variable.client_characters != 0)
    return PossibleValue(client_character_mask, is_slash_always_held, is_any_part_decoded)


def _has_literal_slash(text_with_variables: str) -> bool:
    """Whether the literal part of a text has a slash behind the one of `scheme://`."""
    return "/" in VARIABLE_REFERENCE.sub("", text_with_variables).replace("://", "")


def possible_value_of_text(project: Project, directive: Directive, text: str) -> PossibleValue:
    """What a text with variables can hold, taken together."""
    client_character_mask, is_slash_always_held, is_any_part_decoded = 0, _has_literal_slash(text), False
    for variable_name in variable_names_in_text(text):
        value_of_variable = variable_value(project, directive, variable_name)
        if variable_name.isdecimal() and directive.name == "set":
            value_of_variable = PossibleValue(value_of_variable.client_characters, value_of_variable.has_slash, False)  # `set` escapes captures again
        client_character_mask |= value_of_variable.client_characters
        is_slash_always_held = is_slash_always_held or value_of_variable.has_slash
        is_any_part_decoded = is_any_part_decoded or value_of_variable.is_decoded
    return PossibleValue(client_character_mask, is_slash_always_held, is_any_part_decoded)


def definitions_of_variable(project: Project, block: Block, name: str) -> list[Directive]:
    """The `set`, `map` and `geo` directives that fill a variable and are in sight of a block."""
    defining_directives: list[Directive] = []
    for enclosing_level in includes.blocks_outwards(project, block):
        defining_directives += project.memoize_for_subject(_definitions_by_variable_name, enclosing_level).get(name, [])
    return defining_directives[:_MAX_SEARCHED_DIRECTIVES]


def _definitions_by_variable_name(block: Block, project: Project) -> dict[str, list[Directive]]:
    """What a level defines, by the variable's name; a `set` in one of its `if` counts as its own."""
    definitions_by_variable_name: dict[str, list[Directive]] = {}
    for checked_directive in includes.expanded_directives_of_block(project, block, "set", "map", "geo", "if"):
        candidate_directives = (
            checked_directive.block.directives_named("set")
            if checked_directive.name == "if" and checked_directive.block is not None
            else [checked_directive]
        )
        for defining_directive in candidate_directives:
            variable_reference = (
                (defining_directive.args[0] if defining_directive.name == "set" else defining_directive.args[-1]) if defining_directive.args else ""
            )
            if defining_directive.name != "if":
                definitions_by_variable_name.setdefault(variable_reference.lstrip("$").lower(), []).append(defining_directive)
    return definitions_by_variable_name


def is_redirect(rewrite: Directive) -> bool:
    """Whether a rewrite answers the client with a redirect."""
    rewrite_target = rewrite.args[1] if len(rewrite.args) > 1 else ""
    return rewrite_target.startswith(("http://", "https://", "$scheme")) or bool({"redirect", "permanent"} & set(rewrite.args[2:]))


# -- header and request splitting ---------------------------------------------------------------------------------

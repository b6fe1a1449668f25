"""Shell scripts: the simple commands of a RUN or a `run:` step, with their words and places.

The grammar is tree-sitter's bash, which recovers from errors: what it could not read is told by
`Script.broken`, everything else is there. PowerShell and cmd are not for this module.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from readiness.syntax.command import (
    Assignment,
    Bashism,
    Redirect,
    ShellWord,
    SimpleCommand,
    VariableUse,
)
from readiness.syntax.pieces import JoinedText, plain_pieces
from readiness.syntax.words import expand_word, nesting_depth, variable_references

__all__ = [
    "SHELL_PROGRAMS",
    "Assignment",
    "Bashism",
    "Redirect",
    "ShellScript",
    "ShellWord",
    "SimpleCommand",
    "VariableUse",
    "commands_of",
    "parse_script",
]

# The grammar takes time and memory by the square on scripts that no person writes: those of more
# characters, or of more pipes, brackets and redirections, are not read.
MAX_LENGTH = 40_000
MAX_OPERATORS = 1_500
MAX_NESTING = 100  # braces or parentheses, one in the other: what is around each is looked at once more
_MAX_NESTED_SCRIPTS = 2  # levels of `sh -c '...'` that are followed
SHELL_PROGRAMS = frozenset({"sh", "bash", "ash", "dash", "ksh", "zsh", "mksh", "busybox"})
_ARGUMENT_NODE_TYPES = frozenset(
    {
        "word", "number", "string", "raw_string", "ansi_c_string", "translated_string",
        "concatenation", "simple_expansion", "expansion", "command_substitution",
        "process_substitution", "arithmetic_expansion", "brace_expression", "regex",
        "variable_name", "extglob_pattern", "special_variable_name", "test_operator",
    }
)  # fmt: skip
_CONSTRUCT_BY_NODE_TYPE = {
    "subshell": "subshell",
    "command_substitution": "substitution",
    "process_substitution": "substitution",
    "function_definition": "function",
    "if_statement": "if",
    "elif_clause": "if",
    "else_clause": "if",
    "case_statement": "if",
    "while_statement": "loop",
    "for_statement": "loop",
    "c_style_for_statement": "loop",
}
# Where a condition ends and what it decides begins.
_CONDITION_END_BY_NODE_TYPE = {
    "if_statement": "then",
    "elif_clause": "then",
    "while_statement": "do_group",
}
_COMMAND_NODE_TYPES = frozenset({"command", "declaration_command", "unset_command", "test_command"})
_OPERATOR_TOKENS = frozenset({"&&", "||", ";", "|", "|&", "&", "\n", ";;", "then", "do", "else"})
_OPENING_TOKENS = frozenset({"$(", "`", "(", "<(", ">(", "{"})
_REDIRECT_NODE_TYPES = frozenset({"file_redirect", "heredoc_redirect", "herestring_redirect"})


@dataclass(frozen=True, slots=True, eq=False)
class ShellScript:
    """The commands of a script, and whether some of its text could not be read.

    `bashisms` are the constructs of bash in it, `variable_uses` the variables, `loop_variables` those that a loop sets;
    what is in the script of a `sh -c` is left out of all three.
    """

    script_text: JoinedText
    commands: tuple[SimpleCommand, ...]
    has_unparsed_text: bool
    function_names: frozenset[str]
    bashisms: tuple[Bashism, ...] = ()
    variable_uses: tuple[VariableUse, ...] = ()
    loop_variables: frozenset[str] = frozenset()

    def pipes(self) -> Iterator[tuple[SimpleCommand, ...]]:
        """Each pipeline's commands; a stage that is a group gives all of its commands."""
        found: dict[int, list[SimpleCommand]] = {}
        for command in self.commands:
            if command.pipeline_number >= 0:
                found.setdefault(command.pipeline_number, []).append(command)
        for group in found.values():
            yield tuple(group)


@cache
def bash_language() -> Any:
    """The grammar of bash, loaded when it is first asked for. Threads may share it; a parser they may not."""
    import tree_sitter
    import tree_sitter_bash

    return tree_sitter.Language(tree_sitter_bash.language())


_NOT_ASCII = re.compile(r"[^\x00-\x7f]")


def _syntax_tree(text: str) -> Any:
    """The syntax tree of a text, a byte for each character.

    Letters beyond ASCII go in as the letter a and all else beyond it as dots, which are characters of words as they are.
    The scanner of the grammar asks `isdigit` and `isalpha` of every character, which look beyond their table for one that
    is no byte: such a character behind a brace ended the process.
    https://github.com/tree-sitter/tree-sitter-bash/blob/master/src/scanner.c
    """
    import tree_sitter

    plain_text = _NOT_ASCII.sub(lambda match: "a" if match[0].isalnum() else ".", text)
    return tree_sitter.Parser(bash_language()).parse(plain_text.encode("ascii"))


def commands_of(text: str, source_offset: int = 0) -> tuple[SimpleCommand, ...]:
    """The commands of a text that stands in its source at `source_offset`."""
    return parse_script(plain_pieces(text, source_offset)).commands


def parse_script(pieces: JoinedText, depth: int = 0) -> ShellScript:
    """The script; never raises. What `sh -c 'script'` runs follows after the command itself."""
    if (
        len(pieces.text) > MAX_LENGTH
        or any(pieces.text.count(char) > MAX_OPERATORS for char in "|(<&;")
        or nesting_depth(pieces.text) > MAX_NESTING
    ):
        return ShellScript(pieces, (), True, frozenset())
    walk = _SyntaxTreeWalk(pieces)
    root = _syntax_tree(pieces.text).root_node
    walk.walk_tree(root)
    commands = tuple(
        replace(
            command,
            redirects=tuple(walk.redirects.get(index, ())),
            words=command.words + tuple(walk.behind.get(index, ())),
        )
        for index, command in enumerate(walk.commands)
    )
    if depth < _MAX_NESTED_SCRIPTS:
        for command in commands:
            for script in _inner_script(command, pieces):
                base = next(walk.pipelines) + 1
                inner = parse_script(script, depth + 1).commands
                commands += tuple(
                    replace(
                        command,
                        parent_index=-1,
                        pipeline_number=base + command.pipeline_number if command.pipeline_number >= 0 else -1,
                    )
                    for command in inner
                )
                walk.pipelines = itertools.count(base + len(inner))
    return ShellScript(
        pieces, commands, bool(root.has_error), frozenset(walk.functions),
        tuple(walk.marks), tuple(walk.uses), frozenset(walk.bound),
    )  # fmt: skip


def _inner_script(command: SimpleCommand, pieces: JoinedText) -> Iterator[JoinedText]:
    """The script in `sh -c 'script'`, where it stands there letter by letter."""
    if command.program not in SHELL_PROGRAMS:
        return
    for index, word in enumerate(command.words[:-1]):
        if re.fullmatch(r"-[a-z]*c", word.value):
            script = command.words[index + 1]
            start = script.script_offset + 1
            body = script.raw[1:-1]
            plainly = script.raw[:1] == "'" or not any(char in body for char in '\\`$"')
            if script.raw[:1] in ("'", '"') and script.script_offset >= 0 and plainly:
                yield pieces.cut(start, start + len(body))
            return


# What bash has and POSIX sh has not, by its node or token in the grammar. Some tokens mean it in one place only.
_BASHISM_TYPES = frozenset({"ansi_c_string", "array", "brace_expression", "<<<", "&>", "&>>", "|&", "<(", ">("})
_MARKS_IN = {
    "compound_statement": frozenset({"(("}),
    "c_style_for_statement": frozenset({"(("}),
    "function_definition": frozenset({"function"}),
    "expansion": frozenset({"^", "^^", ",", ",,", ":", "/", "//", "!", "@", "subscript"}),
}
_CommandContext = tuple[int, int, int, frozenset[str]]  # pipeline, position, parent, inside


def _children_in_context(node: Any, context: _CommandContext) -> Iterator[tuple[Any, _CommandContext]]:
    """The children with their context: what stands before `then` or `do` is a condition."""
    border = _CONDITION_END_BY_NODE_TYPE.get(node.type)
    inside = context[3] | {"condition"}
    for child in node.children:
        if child.type == border:
            border = None
        yield child, (*context[:3], inside) if border else context


class _SyntaxTreeWalk:
    """One pass over a syntax tree, in the order of the text, without recursion."""

    def __init__(self, pieces: JoinedText) -> None:
        self.pieces = pieces
        self.commands: list[SimpleCommand] = []
        self.redirects: dict[int, list[Redirect]] = {}
        self.behind: dict[int, list[ShellWord]] = {}
        self.functions: set[str] = set()
        self.marks: list[Bashism] = []
        self.uses: list[VariableUse] = []
        self.bound: set[str] = set()
        self.last: dict[int, int] = {}
        self.operator = ""
        self.pipelines = itertools.count()

    def walk_tree(self, root: Any) -> None:
        """Collect the commands, functions, marks and variable uses under `root`."""
        stack: list[tuple[Any, _CommandContext]] = [(root, (-1, 0, -1, frozenset()))]
        while stack:
            node, context = stack.pop()
            kind = node.type
            self.note_bashism_or_name(node, context[2])
            if not node.is_named:
                if kind in _OPERATOR_TOKENS:
                    self.operator = kind
                elif kind in _OPENING_TOKENS:
                    self.operator = ""
                continue
            if kind == "pipeline":
                stack += reversed(list(self.pipeline_stages(node, context)))
                continue
            pipeline, position, parent, inside = context
            if kind in _CONSTRUCT_BY_NODE_TYPE:
                inside |= {_CONSTRUCT_BY_NODE_TYPE[kind]}
                if kind.endswith("_substitution"):
                    pipeline, position = -1, 0
            if kind in _COMMAND_NODE_TYPES:
                self.add_command_node(node, (pipeline, position, parent, inside))
                pipeline, position, parent = -1, 0, len(self.commands) - 1
            elif kind == "variable_assignment" and node.parent.type not in _COMMAND_NODE_TYPES:
                self.add_bare_assignment(node, (pipeline, position, parent, inside))
                parent = len(self.commands) - 1
            elif kind in _REDIRECT_NODE_TYPES:
                self.attach_redirect(node, parent)
            context = (pipeline, position, parent, inside)
            stack += reversed(list(_children_in_context(node, context)))

    def note_bashism_or_name(self, node: Any, parent: int) -> None:
        """Note what is told of a script beside its commands."""
        kind = node.type
        if kind in _BASHISM_TYPES or kind in _MARKS_IN.get(node.parent.type if node.parent else "", ()):
            self.marks.append(Bashism(kind, self.make_word(node).span))
        if kind in ("simple_expansion", "expansion"):
            self.record_variable_use(node, parent)
        elif kind == "for_statement" and node.child_count > 1:
            self.bound.add(self.make_word(node.children[1]).value)
        elif kind == "function_definition":
            self.functions.add(self.make_word(node.child_by_field_name("name") or node).value)

    def pipeline_stages(self, node: Any, context: _CommandContext) -> Iterator[tuple[Any, _CommandContext]]:
        """The stages of a pipeline, numbered."""
        number, position = next(self.pipelines), 0
        for child in node.children:
            yield child, (number, position, context[2], context[3])
            if child.type in ("|", "|&"):
                position += 1

    def make_word(self, node: Any) -> ShellWord:
        """The Word of a syntax node, with its place in the source."""
        start, end = node.start_byte, node.end_byte
        return self.word_of_slice(start, end)

    def word_of_slice(self, start: int, end: int) -> ShellWord:
        """A part of the text as a word."""
        raw = self.pieces.text[start:end]
        value = expand_word(raw, None) if any(char in raw for char in "\\'\"") else raw
        known = "`" not in raw and "<(" not in raw and ("$" not in raw or _is_literal(raw))
        return ShellWord(raw, value or "", known, self.pieces.source_span(start, end), start)

    def make_assignment(self, node: Any) -> Assignment:
        """`NAME=value`, also with an index or `+=`."""
        start, end = node.start_byte, node.end_byte
        text = self.pieces.text[start:end]
        name, _, value = text.partition("=")
        at = start + len(name) + 1
        word = self.word_of_slice(at, end) if value else None
        return Assignment(name.rstrip("+"), word, self.pieces.source_span(start, end))

    def add_command_node(self, node: Any, context: _CommandContext) -> None:
        """Add a command with its assignments and words."""
        assignments = tuple(self.make_assignment(child) for child in node.children if child.type == "variable_assignment")
        places = self.joined_word_spans(child for child in node.children if child.type in _ARGUMENT_NODE_TYPES)
        name = node.child_by_field_name("name") if node.type == "command" else None
        if name is None and node.type == "command":
            name_word = ShellWord("", "", False, self.make_word(node).span)
        else:
            head = name if name is not None else node.children[0]
            start, end = head.start_byte, head.end_byte
            if places and places[0][0] == end:
                end = places.pop(0)[1]
            name_word = self.word_of_slice(start, end)
        words = tuple(self.word_of_slice(start, end) for start, end in places)
        self.append_command(node, name_word, words, assignments, context)

    def joined_word_spans(self, nodes: Iterable[Any]) -> list[tuple[int, int]]:
        """The places of words; what the grammar divides before a backtick is one word to the shell."""
        places: list[tuple[int, int]] = []
        for node in nodes:
            start, end = node.start_byte, node.end_byte
            if places and places[-1][1] == start:
                start = places.pop()[0]
            places.append((start, end))
        return places

    def add_bare_assignment(self, node: Any, context: _CommandContext) -> None:
        """Add an assignment that stands on its own as a command without a name."""
        assignment = self.make_assignment(node)
        self.append_command(node, ShellWord("", "", True, assignment.span), (), (assignment,), context)

    def append_command(
        self,
        node: Any,
        name: ShellWord,
        arguments: tuple[ShellWord, ...],
        assignments: tuple[Assignment, ...],
        context: _CommandContext,
    ) -> None:
        """Append the command that the parts make."""
        pipeline, position, parent, inside = context
        self.last[parent] = len(self.commands)
        span = self.make_word(node).span
        self.commands.append(
            SimpleCommand(
                name.value, arguments, span, name.span, assignments, (), self.operator,
                pipeline, position, parent, inside, name.is_fully_known,
            )
        )  # fmt: skip
        self.operator = ""

    def record_variable_use(self, node: Any, parent: int) -> None:
        """Record the use of a variable: whether it is quoted, split into words, and in which command."""
        name = next((one for one in node.children if one.type == "variable_name"), None)
        if name is None:
            return
        around = node.parent
        while around is not None and around.type == "concatenation":
            around = around.parent
        if around is not None and around.type.endswith("_expression"):  # [ $a = b ]
            around = around.parent
        splits = around is not None and (
            around.type == "command" or (around.type == "test_command" and around.children[0].type == "[")
        )
        plain = node.type == "simple_expansion" or node.child_count == 3
        self.uses.append(VariableUse(self.make_word(name).value, self.make_word(node).span, plain, splits, parent))

    def attach_redirect(self, node: Any, parent: int) -> None:
        """Hang a redirection on its command: the one it stands in, or the last one before it.

        The grammar takes the words behind it for its own; the shell gives them to the command.
        """
        around = node.parent
        inside = around.type in _COMMAND_NODE_TYPES
        owner = parent if inside else self.last.get(parent, -1)
        if owner < 0:
            return
        operator = next((child.type for child in node.children if not child.is_named), "")
        words = [self.make_word(child) for child in node.children if child.type in _ARGUMENT_NODE_TYPES]
        target = words.pop(0) if words and node.type != "heredoc_redirect" else None
        self.redirects.setdefault(owner, []).append(Redirect(operator, target))
        body = around.children[0]
        while body.type in ("list", "pipeline", "negated_command"):
            body = body.children[-1]
        if inside or body.type in _COMMAND_NODE_TYPES:
            self.behind.setdefault(owner, []).extend(words)


def _is_literal(raw: str) -> bool:
    """Whether no `$` of a word is expanded: they stand in single quotes, or alone."""
    if "$(" in raw or "$[" in raw:
        return raw.startswith("'") and raw.find("'", 1) == len(raw) - 1
    return next(variable_references(raw), None) is None

"""Shell scripts: the simple commands of a RUN or a `run:` step, with their words and places.

The grammar is tree-sitter's bash, which recovers from errors: what it could not read is told by
`Script.broken`, everything else is there. PowerShell and cmd are not for this module.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import cache
from typing import Any, NamedTuple

from readiness.model.lazy_regex import lazy_regex
from readiness.model.records import dataclass
from readiness.syntax.command import Assignment, Bashism, Redirect, ShellWord, SimpleCommand, VariableUse
from readiness.syntax.pieces import JoinedText, single_piece_text
from readiness.syntax.words import expand_word, max_bracket_nesting, variable_references

__all__ = [
    "SHELL_PROGRAMS",
    "Assignment",
    "Bashism",
    "Redirect",
    "ShellScript",
    "ShellWord",
    "SimpleCommand",
    "VariableUse",
    "parse_commands",
    "parse_script",
]

# The grammar takes time and memory by the square on scripts that no person writes: those of more
# characters, or of more pipes, brackets and redirections, are not read.
MAX_SCRIPT_LENGTH = 40_000
MAX_OCCURRENCES_PER_OPERATOR = 1_500
MAX_BRACKET_NESTING = 100  # braces or parentheses, one in the other: what is around each is looked at once more
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
_CONDITION_END_BY_NODE_TYPE = {"if_statement": "then", "elif_clause": "then", "while_statement": "do_group"}
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
        commands_by_pipeline_number: dict[int, list[SimpleCommand]] = {}
        for command in self.commands:
            if command.pipeline_number >= 0:
                commands_by_pipeline_number.setdefault(command.pipeline_number, []).append(command)
        for pipeline_commands in commands_by_pipeline_number.values():
            yield tuple(pipeline_commands)


@cache
def bash_language() -> Any:
    """The grammar of bash, loaded when it is first asked for. Threads may share it; a parser they may not."""
    import tree_sitter
    import tree_sitter_bash

    return tree_sitter.Language(tree_sitter_bash.language())


_NON_ASCII_CHARACTER = lazy_regex(r"[^\x00-\x7f]")


def _syntax_tree(text: str) -> Any:
    """The syntax tree of a text, a byte for each character.

    Letters beyond ASCII go in as the letter a and all else beyond it as dots, which are characters of words as they are.
    The scanner of the grammar asks `isdigit` and `isalpha` of every character, which look beyond their table for one that
    is no byte: such a character behind a brace ended the process.
    https://github.com/tree-sitter/tree-sitter-bash/blob/master/src/scanner.c
    """
    import tree_sitter

    plain_text = _NON_ASCII_CHARACTER.sub(lambda match: "a" if match[0].isalnum() else ".", text)
    return tree_sitter.Parser(bash_language()).parse(plain_text.encode("ascii"))


def parse_commands(text: str, source_offset: int = 0) -> tuple[SimpleCommand, ...]:
    """The commands of a text that stands in its source at `source_offset`."""
    return parse_script(single_piece_text(text, source_offset)).commands


def parse_script(script_text: JoinedText, nesting_level: int = 0) -> ShellScript:
    """The script; never raises. What `sh -c 'script'` runs follows after the command itself."""
    if (
        len(script_text.text) > MAX_SCRIPT_LENGTH
        or any(script_text.text.count(char) > MAX_OCCURRENCES_PER_OPERATOR for char in "|(<&;")
        or max_bracket_nesting(script_text.text) > MAX_BRACKET_NESTING
    ):
        return ShellScript(script_text, (), True, frozenset())
    tree_walk = _SyntaxTreeWalk(script_text)
    root_node = _syntax_tree(script_text.text).root_node
    tree_walk.walk_tree(root_node)
    commands = tuple(
        replace(command, redirects=tuple(tree_walk.redirects.get(index, ())), words=command.words + tuple(tree_walk.behind.get(index, ())))
        for index, command in enumerate(tree_walk.commands)
    )
    if nesting_level < _MAX_NESTED_SCRIPTS:
        for command in commands:
            for nested_script in _nested_scripts(command, script_text):
                first_pipeline_number = next(tree_walk.pipelines) + 1
                nested_commands = parse_script(nested_script, nesting_level + 1).commands
                commands += tuple(
                    replace(
                        command,
                        parent_index=-1,
                        pipeline_number=first_pipeline_number + command.pipeline_number if command.pipeline_number >= 0 else -1,
                    )
                    for command in nested_commands
                )
                tree_walk.pipelines = itertools.count(first_pipeline_number + len(nested_commands))
    return ShellScript(
        script_text, commands, bool(root_node.has_error), frozenset(tree_walk.functions),
        tuple(tree_walk.marks), tuple(tree_walk.uses), frozenset(tree_walk.bound),
    )  # fmt: skip


def _nested_scripts(command: SimpleCommand, script_text: JoinedText) -> Iterator[JoinedText]:
    """The script in `sh -c 'script'`, where it stands there letter by letter."""
    if command.program not in SHELL_PROGRAMS:
        return
    for index, word in enumerate(command.words[:-1]):
        if re.fullmatch(r"-[a-z]*c", word.value):
            script_word = command.words[index + 1]
            body_start = script_word.script_offset + 1
            script_body = script_word.raw[1:-1]
            is_literal_text = script_word.raw[:1] == "'" or not any(char in script_body for char in '\\`$"')
            if script_word.raw[:1] in ("'", '"') and script_word.script_offset >= 0 and is_literal_text:
                yield script_text.cut(body_start, body_start + len(script_body))
            return


# What bash has and POSIX sh has not, by its node or token in the grammar. Some tokens mean it in one place only.
_BASHISM_NODE_TYPES = frozenset({"ansi_c_string", "array", "brace_expression", "<<<", "&>", "&>>", "|&", "<(", ">("})
_BASHISM_TOKENS_BY_PARENT_TYPE = {
    "compound_statement": frozenset({"(("}),
    "c_style_for_statement": frozenset({"(("}),
    "function_definition": frozenset({"function"}),
    "expansion": frozenset({"^", "^^", ",", ",,", ":", "/", "//", "!", "@", "subscript"}),
}
_CommandContext = tuple[int, int, int, frozenset[str]]  # pipeline, position, parent, inside


class _EnclosingNode(NamedTuple):
    """A node around others, and what is around that: a node finds its own parent from the root on, which is far in a deep tree."""

    node: Any
    outer: _EnclosingNode | None

    @property
    def node_type(self) -> str:
        """The type of the node."""
        return str(self.node.type)


def _children_in_context(node: Any, command_context: _CommandContext) -> Iterator[tuple[Any, _CommandContext]]:
    """The children with their context: what stands before `then` or `do` is a condition."""
    condition_end_type = _CONDITION_END_BY_NODE_TYPE.get(node.type)
    condition_constructs = command_context[3] | {"condition"}
    for child in node.children:
        if child.type == condition_end_type:
            condition_end_type = None
        yield child, (*command_context[:3], condition_constructs) if condition_end_type else command_context


class _SyntaxTreeWalk:
    """One pass over a syntax tree, in the order of the text, without recursion."""

    def __init__(self, script_text: JoinedText) -> None:
        self.pieces = script_text
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

    def walk_tree(self, root_node: Any) -> None:
        """Collect the commands, functions, marks and variable uses under `root_node`."""
        nodes_and_contexts: list[tuple[Any, _CommandContext, _EnclosingNode | None]] = [(root_node, (-1, 0, -1, frozenset()), None)]
        while nodes_and_contexts:
            node, command_context, enclosing = nodes_and_contexts.pop()
            node_type = node.type
            self.note_bashism_or_name(node, command_context[2], enclosing)
            if not node.is_named:
                if node_type in _OPERATOR_TOKENS:
                    self.operator = node_type
                elif node_type in _OPENING_TOKENS:
                    self.operator = ""
                continue
            own_enclosing = _EnclosingNode(node, enclosing)
            if node_type == "pipeline":
                nodes_and_contexts += [(child, one, own_enclosing) for child, one in reversed(list(self.pipeline_stages(node, command_context)))]
                continue
            pipeline_number, pipeline_position, parent_index, enclosing_constructs = command_context
            if node_type in _CONSTRUCT_BY_NODE_TYPE:
                enclosing_constructs |= {_CONSTRUCT_BY_NODE_TYPE[node_type]}
                if node_type.endswith("_substitution"):
                    pipeline_number, pipeline_position = -1, 0
            if node_type in _COMMAND_NODE_TYPES:
                self.add_command_node(node, (pipeline_number, pipeline_position, parent_index, enclosing_constructs))
                pipeline_number, pipeline_position, parent_index = -1, 0, len(self.commands) - 1
            elif node_type == "variable_assignment" and (enclosing is None or enclosing.node_type not in _COMMAND_NODE_TYPES):
                self.add_bare_assignment(node, (pipeline_number, pipeline_position, parent_index, enclosing_constructs))
                parent_index = len(self.commands) - 1
            elif node_type in _REDIRECT_NODE_TYPES and enclosing is not None:
                self.attach_redirect(node, parent_index, enclosing.node)
            command_context = (pipeline_number, pipeline_position, parent_index, enclosing_constructs)
            nodes_and_contexts += [(child, one, own_enclosing) for child, one in reversed(list(_children_in_context(node, command_context)))]

    def note_bashism_or_name(self, node: Any, parent_index: int, enclosing: _EnclosingNode | None) -> None:
        """Note what is told of a script beside its commands."""
        node_type = node.type
        if node_type in _BASHISM_NODE_TYPES or node_type in _BASHISM_TOKENS_BY_PARENT_TYPE.get(enclosing.node_type if enclosing else "", ()):
            self.marks.append(Bashism(node_type, self.make_word(node).span))
        if node_type in ("simple_expansion", "expansion"):
            self.record_variable_use(node, parent_index, enclosing)
        elif node_type == "for_statement" and node.child_count > 1:
            self.bound.add(self.make_word(node.children[1]).value)
        elif node_type == "function_definition":
            self.functions.add(self.make_word(node.child_by_field_name("name") or node).value)

    def pipeline_stages(self, pipeline_node: Any, command_context: _CommandContext) -> Iterator[tuple[Any, _CommandContext]]:
        """The stages of a pipeline, numbered."""
        pipeline_number, pipeline_position = next(self.pipelines), 0
        for child in pipeline_node.children:
            yield child, (pipeline_number, pipeline_position, command_context[2], command_context[3])
            if child.type in ("|", "|&"):
                pipeline_position += 1

    def make_word(self, node: Any) -> ShellWord:
        """The Word of a syntax node, with its place in the source."""
        start, end = node.start_byte, node.end_byte
        return self.word_of_slice(start, end)

    def word_of_slice(self, word_start: int, word_end: int) -> ShellWord:
        """A part of the text as a word."""
        raw_word = self.pieces.text[word_start:word_end]
        unquoted_value = expand_word(raw_word, None) if any(char in raw_word for char in "\\'\"") else raw_word
        is_fully_known = "`" not in raw_word and "<(" not in raw_word and ("$" not in raw_word or _has_no_expansion(raw_word))
        return ShellWord(raw_word, unquoted_value or "", is_fully_known, self.pieces.source_span(word_start, word_end), word_start)

    def make_assignment(self, assignment_node: Any) -> Assignment:
        """`NAME=value`, also with an index or `+=`."""
        assignment_start, assignment_end = assignment_node.start_byte, assignment_node.end_byte
        assignment_text = self.pieces.text[assignment_start:assignment_end]
        name, _, value = assignment_text.partition("=")
        value_start = assignment_start + len(name) + 1
        value_word = self.word_of_slice(value_start, assignment_end) if value else None
        return Assignment(name.rstrip("+"), value_word, self.pieces.source_span(assignment_start, assignment_end))

    def add_command_node(self, command_node: Any, command_context: _CommandContext) -> None:
        """Add a command with its assignments and words."""
        assignments = tuple(self.make_assignment(child) for child in command_node.children if child.type == "variable_assignment")
        argument_offsets = self.joined_word_spans(child for child in command_node.children if child.type in _ARGUMENT_NODE_TYPES)
        name_node = command_node.child_by_field_name("name") if command_node.type == "command" else None
        if name_node is None and command_node.type == "command":
            name_word = ShellWord("", "", False, self.make_word(command_node).span)
        else:
            name_or_first_node = name_node if name_node is not None else command_node.children[0]
            word_start, word_end = name_or_first_node.start_byte, name_or_first_node.end_byte
            if argument_offsets and argument_offsets[0][0] == word_end:
                word_end = argument_offsets.pop(0)[1]
            name_word = self.word_of_slice(word_start, word_end)
        words = tuple(self.word_of_slice(word_start, word_end) for word_start, word_end in argument_offsets)
        self.append_command(command_node, name_word, words, assignments, command_context)

    def joined_word_spans(self, word_nodes: Iterable[Any]) -> list[tuple[int, int]]:
        """The places of words; what the grammar divides before a backtick is one word to the shell."""
        word_offsets: list[tuple[int, int]] = []
        for node in word_nodes:
            word_start, word_end = node.start_byte, node.end_byte
            if word_offsets and word_offsets[-1][1] == word_start:
                word_start = word_offsets.pop()[0]
            word_offsets.append((word_start, word_end))
        return word_offsets

    def add_bare_assignment(self, assignment_node: Any, command_context: _CommandContext) -> None:
        """Add an assignment that stands on its own as a command without a name."""
        assignment = self.make_assignment(assignment_node)
        self.append_command(assignment_node, ShellWord("", "", True, assignment.span), (), (assignment,), command_context)

    def append_command(
        self,
        command_node: Any,
        name_word: ShellWord,
        arguments: tuple[ShellWord, ...],
        assignments: tuple[Assignment, ...],
        command_context: _CommandContext,
    ) -> None:
        """Append the command that the parts make."""
        pipeline_number, pipeline_position, parent_index, enclosing_constructs = command_context
        self.last[parent_index] = len(self.commands)
        command_span = self.make_word(command_node).span
        self.commands.append(
            SimpleCommand(
                name_word.value, arguments, command_span, name_word.span, assignments, (), self.operator,
                pipeline_number, pipeline_position, parent_index, enclosing_constructs, name_word.is_fully_known,
            )
        )  # fmt: skip
        self.operator = ""

    def record_variable_use(self, expansion_node: Any, parent_index: int, enclosing: _EnclosingNode | None) -> None:
        """Record the use of a variable: whether it is quoted, split into words, and in which command."""
        name_node = next((one for one in expansion_node.children if one.type == "variable_name"), None)
        if name_node is None:
            return
        while enclosing is not None and enclosing.node_type == "concatenation":
            enclosing = enclosing.outer
        if enclosing is not None and enclosing.node_type.endswith("_expression"):  # [ $a = b ]
            enclosing = enclosing.outer
        is_word_split = enclosing is not None and (
            enclosing.node_type == "command" or (enclosing.node_type == "test_command" and enclosing.node.children[0].type == "[")
        )
        is_plain_expansion = expansion_node.type == "simple_expansion" or expansion_node.child_count == 3
        self.uses.append(
            VariableUse(self.make_word(name_node).value, self.make_word(expansion_node).span, is_plain_expansion, is_word_split, parent_index)
        )

    def attach_redirect(self, redirect_node: Any, parent_index: int, enclosing_node: Any) -> None:
        """Hang a redirection on its command: the one it stands in, or the last one before it.

        The grammar takes the words behind it for its own; the shell gives them to the command.
        """
        is_inside_command = enclosing_node.type in _COMMAND_NODE_TYPES
        command_index = parent_index if is_inside_command else self.last.get(parent_index, -1)
        if command_index < 0:
            return
        redirect_operator = next((child.type for child in redirect_node.children if not child.is_named), "")
        following_words = [self.make_word(child) for child in redirect_node.children if child.type in _ARGUMENT_NODE_TYPES]
        redirect_target = following_words.pop(0) if following_words and redirect_node.type != "heredoc_redirect" else None
        self.redirects.setdefault(command_index, []).append(Redirect(redirect_operator, redirect_target))
        redirected_node = enclosing_node.children[0]
        while redirected_node.type in ("list", "pipeline", "negated_command"):
            redirected_node = redirected_node.children[-1]
        if is_inside_command or redirected_node.type in _COMMAND_NODE_TYPES:
            self.behind.setdefault(command_index, []).extend(following_words)


def _has_no_expansion(raw_word: str) -> bool:
    """Whether no `$` of a word is expanded: they stand in single quotes, or alone."""
    if "$(" in raw_word or "$[" in raw_word:
        return raw_word.startswith("'") and raw_word.find("'", 1) == len(raw_word) - 1
    return next(variable_references(raw_word), None) is None

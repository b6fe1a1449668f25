from __future__ import annotations

import ast
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from readiness.facts import package_versions, packages
from readiness.facts.wrappers import command_and_wrapped_commands, unwrap_command
from readiness.syntax import shell
from readiness.syntax.dockerfile import parse_dockerfile
from readiness.syntax.pieces import single_piece_text


def names(text: str) -> list[str]:
    return [one.name for one in shell.parse_commands(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a && b || c; d & e", ["a", "b", "c", "d", "e"]),
        ("a | (b; c) | d", ["a", "b", "c", "d"]),
        ("if [ -n x ]; then b; else c; fi", ["[", "b", "c"]),
        ("for i in 1 2; do a; done", ["a"]),
        ("f() { a; }; f", ["a", "f"]),
        ('a "$(b)" `c`', ["a", "b", "c"]),
        ("X=1 a; Y=2", ["a", ""]),
        ("bash -c 'a && b'", ["bash", "a", "b"]),
        ('sh -c "a $X"', ["sh"]),
        ("case x in y) a;; esac", ["a"]),
        ("! a", ["a"]),
        ("", []),
    ],
)
def test_commands(text: str, expected: list[str]) -> None:
    assert names(text) == expected


def test_operators_and_pipelines() -> None:
    a, b, c, d = shell.parse_commands("a | b && c || d")
    assert [one.operator_before for one in (a, b, c, d)] == ["", "|", "&&", "||"]
    assert (a.pipeline_number, a.position_in_pipeline) == (b.pipeline_number, 0)
    assert b.position_in_pipeline == 1
    assert c.pipeline_number == -1


def test_words_and_assignments() -> None:
    text = "A='x y' run \"a $B\" c\\ d -- 'e'"
    (command,) = shell.parse_commands(text)
    assert [(a.name, a.value.value if a.value else None) for a in command.assignments] == [("A", "x y")]
    assert command.unquoted_words == ("a $B", "c d", "--", "e")
    assert [word.is_fully_known for word in command.words] == [False, True, True, True]
    assert text[command.words[1].span.start : command.words[1].span.end] == "c\\ d"


def test_redirects_belong_to_the_last_command() -> None:
    a, b = shell.parse_commands("a | b > f 2>&1")
    assert not a.redirects
    assert [(r.operator, r.target_word.value if r.target_word else None) for r in b.redirects] == [
        (">", "f"),
        (">&", "1"),
    ]


@pytest.mark.parametrize(
    ("text", "words", "targets"),
    [
        ("a b > f c 2>&1 d", ("b", "c", "d"), ["f", "1"]),
        ("a b>=1 c>=2", ("b", "c"), ["=1", "=2"]),
        ("2>/dev/null a b", ("b",), ["/dev/null"]),
        ("a <<< x b", ("b",), ["x"]),
        ("a <<EOF b\nx\nEOF\n", ("b",), [""]),
        ("{ a b; } > f", ("b",), ["f"]),
        ("cd && ! a b > f c", ("b", "c"), ["f"]),
    ],
)
def test_words_behind_a_redirection_are_the_commands(text: str, words: tuple[str, ...], targets: list[str]) -> None:
    command = shell.parse_commands(text)[-1]
    assert command.unquoted_words == words
    assert [r.target_word.value if r.target_word else "" for r in command.redirects] == targets


def test_a_backtick_divides_no_word() -> None:
    outer, _ = shell.parse_commands("a x`b`y z")
    assert [(word.raw, word.is_fully_known) for word in outer.words] == [
        ("x`b`y", False),
        ("z", True),
    ]
    named, _ = shell.parse_commands("a`b` c")
    assert (named.is_name_known, named.unquoted_words) == (False, ("c",))


def test_substitutions_know_their_command() -> None:
    outer, inner = shell.parse_commands('sh -c "$(curl x)"')
    assert (inner.name, inner.parent_index) == ("curl", 0)
    assert "substitution" in inner.enclosing_constructs
    assert outer.parent_index == -1


def test_places_in_a_dockerfile() -> None:
    text = "FROM a\nRUN set -e; \\\n  # ünïcode\n  é=1 apt-get \\\n   install 'ä b' ; \\\n  x\n"
    run = parse_dockerfile(text).instructions[1]
    found = shell.parse_script(run.arguments_text).commands
    assert [text[c.name_span.start : c.name_span.end] for c in found if c.name] == [
        "set",
        "apt-get",
        "x",
    ]
    install = next(one for one in found if one.name == "apt-get")
    assert text[install.words[1].span.start : install.words[1].span.end] == "'ä b'"


def test_options() -> None:
    (command,) = shell.parse_commands("x -abc --long=1 --other 2 op -- -z")
    assert command.has_option("-b")
    assert command.has_option("--long")
    assert not command.has_option("-z")
    assert command.option_value("--long") == "1"
    assert command.option_value("--other") == "2"
    assert [word.value for word in command.operands(frozenset({"--other"}))] == ["op", "-z"]


def test_values_of_options_in_clusters() -> None:
    (command,) = shell.parse_commands("useradd -mu 1000 -s=x --gid 5 y -- -u 7")
    assert (
        command.option_value("-u"),
        command.option_value("-s"),
        command.option_value("-g", "--gid"),
    ) == (
        "1000",
        "x",
        "5",
    )


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("a <<< x", ["<<<"]),
        ("a &> f", ["&>"]),
        ("a |& b", ["|&"]),
        ("diff <(a) b", ["<("]),
        ("a $'x'", ["ansi_c_string"]),
        ("a {1..3}", ["brace_expression"]),
        ("x=(a b)", ["array"]),
        ("function f { a; }", ["function"]),
        ("((i++))", ["(("]),
        ("a ${x:0:3} ${x//a/b} ${x^^}", [":", ":", "//", "^^"]),
        ("a ${x:-y} ${x%.*} ${#x} $((1+2)) '<<<' \"&>\"", []),
    ],
)
def test_what_posix_has_not(text: str, kinds: list[str]) -> None:
    marks = shell.parse_script(single_piece_text(text, 0)).bashisms
    assert [mark.kind for mark in marks if mark.kind != "/"] == kinds


def test_uses_of_variables() -> None:
    text = "x=$a b \"$c\" '$d' $e/f ${g:-h} $(i $j); [ $k = l ] && [[ $m ]]; cat > $n"
    uses = shell.parse_script(single_piece_text(text, 0)).variable_uses
    assert [one.name for one in uses] == ["a", "c", "e", "g", "j", "k", "m", "n"]
    assert [one.name for one in uses if one.is_split_into_words] == ["e", "g", "j", "k"]
    assert [one.name for one in uses if not one.has_no_modifier] == ["g"]


def test_conditions_are_told_from_what_they_decide() -> None:
    found = shell.parse_commands("if a; then b; elif c; then d; else e; fi; while f; do g; done")
    assert [one.name for one in found if "condition" in one.enclosing_constructs] == ["a", "c", "f"]


def test_wrappers_one_by_one() -> None:
    command = shell.parse_commands("time sudo -u x env A=1 B='c d' apt-get update")[0]
    assert [one.program for one in command_and_wrapped_commands(command)] == [
        "time",
        "sudo",
        "env",
        "apt-get",
    ]
    given = unwrap_command(command).assignments
    assert [(a.name, a.value.value if a.value else "") for a in given] == [("A", "1"), ("B", "c d")]


@pytest.mark.parametrize("text", ["command -v curl", "command -V curl", "sudo -v", "env A=1"])
def test_wrappers_that_start_nothing(text: str) -> None:
    command = shell.parse_commands(text)[0]
    assert unwrap_command(command) is command


@pytest.mark.parametrize(
    ("text", "program"),
    [
        ("sudo -E -u x apt-get install y", "apt-get"),
        ("env A=1 npm ci", "npm"),
        ("timeout 10 curl x", "curl"),
        ("exec gosu app node", "node"),
        ("sudo", "sudo"),
        ("xargs -n 1 rm", "rm"),
    ],
)
def test_wrappers(text: str, program: str) -> None:
    assert unwrap_command(shell.parse_commands(text)[0]).program == program


@pytest.mark.parametrize(
    ("text", "manager", "action", "names"),
    [
        ("apt-get -y -o A=b install x y", "apt", "install", ["x", "y"]),
        ("python3 -m pip install -r r.txt x", "pip", "install", ["x"]),
        ("uv pip install x", "pip", "install", ["x"]),
        ("npm ci", "npm", "install", []),
        ("yarn", "yarn", "install", []),
        ("yarn global add x", "yarn", "install", ["x"]),
        ("dnf module install -y x:1", "dnf", "install", ["x:1"]),
        ("apk add --virtual .b x", "apk", "install", ["x"]),
        ("gem install x -- --opt", "gem", "install", ["x"]),
        ("pacman -Sy --noconfirm x", "pacman", "install", ["x"]),
    ],
)
def test_package_managers(text: str, manager: str, action: str, names: list[str]) -> None:
    call = packages.package_call(shell.parse_commands(text)[0])
    assert call is not None
    assert (call.manager.name, call.action) == (manager, action)
    assert [word.value for word in call.packages] == names


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("pip install a==1 b 'c<2' ./d e.whl git+https://x/y.git@v1 git+https://x/y.git", 2),
        ("npm install a@1 @s/b @s/c@2 d@latest git://x/y.git#v1 git://x/y.git ./e f.tgz", 3),
        ("apt-get install a=1 b ./c.deb $D", 1),
        ("dnf install a-1.2 b gcc-c++-1.1 gcc-c++ x-1:2.3", 2),
        ("pip install a -c constraints.txt", 0),
        ("gem install a:1 b", 1),
    ],
)
def test_unpinned(text: str, expected: int) -> None:
    call = packages.package_call(shell.parse_commands(text)[0])
    assert call is not None
    assert len(package_versions.unpinned_packages(call)) == expected


def test_a_broken_script_gives_what_can_be_read() -> None:
    script = shell.parse_script(parse_dockerfile("RUN a && (b\n").instructions[0].arguments_text)
    assert script.has_unparsed_text
    assert [one.name for one in script.commands] == ["a", "b"]


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="ab $(){}[]<>|&;'\"`\\\n-=é#!*", max_size=60) | st.text(max_size=60))
def test_any_text(text: str) -> None:
    for command in shell.parse_commands(text):
        assert 0 <= command.span.start <= command.span.end <= len(text)
        for word in command.words:
            assert text[word.span.start : word.span.end] == word.raw or word.script_offset < 0
        unwrap_command(command)
        packages.package_call(command)


@pytest.mark.parametrize("piece", ["(", "$(", "a|", "a=(", "<<A\n", "a && ", "`", "{", "if "])
def test_hostile_scripts_are_bounded(piece: str) -> None:
    assert shell.parse_commands(piece * 1_000) is not None
    assert shell.parse_script(single_piece_text(piece * 100_000)).has_unparsed_text


def test_deep_nesting() -> None:
    assert shell.parse_commands("(" * 1000 + "a" + ")" * 1000) is not None


WIDE = """\
from readiness.syntax import shell
for code in range(0x80, 0x110000, 997):
    for before in ("{", "{1..", "<<A\\n$", "[[ -", "${a?"):
        shell.parse_commands(f"a; {before}{chr(code)}; b")
"""


def test_characters_that_are_no_bytes_end_no_process() -> None:
    """The grammar's scanner looked them up beyond its tables; one in a few thousand of such looks was the end."""
    assert subprocess.run([sys.executable, "-c", WIDE], check=False, timeout=120).returncode == 0


@pytest.mark.parametrize("char", ["é", "\u1cca", "\ud835", "\U000df81e", "\u3000", "\xa0"])
def test_characters_that_are_no_bytes_are_parts_of_words(char: str) -> None:
    first, second = shell.parse_commands(f"b {char} c{char} # {char}\nd")
    assert [one.raw for one in first.words] == [char, f"c{char}"]
    assert second.name == "d"


@pytest.mark.parametrize(
    ("start", "piece", "end"),
    [("echo $((", "0-", "1))\n"), ("echo ", ">a ", "\n"), ("{ a; } ", ">a ", "\n"), ("echo $((", "1?2:", "3))\n"), ("[ a = b", " -a $a = b", " ]\n")],
)
def test_a_deep_tree_is_walked_in_proportion(start: str, piece: str, end: str) -> None:
    """A node of the grammar finds what is around it from the root on: a walk that asks each for that takes the square of the depth."""

    def seconds(count: int) -> float:
        text, best = start + piece * count + end, float("inf")
        for _ in range(3):
            began = time.process_time()
            shell.parse_commands(text)
            best = min(best, time.process_time() - began)
        return best

    count = 30_000 // len(piece)
    assert seconds(count) < 9 * seconds(count // 5)  # its square would be 25


def test_no_node_is_asked_for_what_is_around_it() -> None:
    tree = ast.parse(Path(shell.__file__).read_text(encoding="utf-8"))
    assert [one.lineno for one in ast.walk(tree) if isinstance(one, ast.Attribute) and one.attr == "parent"] == []

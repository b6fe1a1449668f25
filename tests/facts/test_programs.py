"""Programs that start others, and what is behind them: the same in images, compose files and pipelines."""

from __future__ import annotations

import pytest

from readiness.facts.development import development_server_command
from readiness.facts.programs import started_program_index
from readiness.kinds.pipeline.scripts import script_calls
from readiness.syntax import shell


@pytest.mark.parametrize(
    ("line", "at"),
    [
        ("poetry run flask run", 1),
        ("bundle exec rails server", 1),
        ("pnpm dlx serve", 1),
        ("mise x -- node", 1),
        ("npx vite", 0),
        ("retry make", 0),
        ("poetry install", None),
        ("poetry run", None),
        ("npx", None),
        ("node server.js", None),
    ],
)
def test_which_word_a_runner_starts(line: str, at: int | None) -> None:
    program, *words = line.split()
    assert started_program_index(program, words) == at


@pytest.mark.parametrize(
    ("line", "server"),
    [
        ("flask --app shop run", "flask run"),
        ("vite", "vite"),
        ("vite build", ""),
        ("nodemon server.js", "nodemon"),
        ("next dev -p 80", "next dev"),
        ("next start", ""),
        ("gunicorn shop:app", ""),
        ("uvicorn shop:app --reload", "uvicorn --reload"),
    ],
)
def test_servers_for_development(line: str, server: str) -> None:
    program, *words = line.split()
    assert development_server_command(program, words) == server


@pytest.mark.parametrize(
    ("script", "program"),
    [
        ("rye run pytest -x", "pytest"),
        ("npm exec vite build", "vite"),
        ("sudo -u deploy dotenv retry make", "make"),
        ("uv run --frozen pytest", "pytest"),
        ("poetry version", "poetry"),
    ],
)
def test_what_a_pipeline_starts(script: str, program: str) -> None:
    assert [one.program for one in script_calls(script)] == [program]


def test_wrappers_take_their_options_with_them() -> None:
    from readiness.facts.wrappers import unwrap_command

    (command,) = shell.parse_commands("sudo -u app env -u HOME A=1 timeout -k 5 30 node server.js")
    inner = unwrap_command(command)
    assert (inner.program, list(inner.unquoted_words)) == ("node", ["server.js"])
    assert [one.name for one in inner.assignments] == ["A"]

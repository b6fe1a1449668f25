"""The step of action.yml: reads its inputs from the environment, checks, and writes annotations, a summary, reports and outputs.

https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from readiness.cli.console import EXIT_NOT_ASSESSED, EXIT_PASSED
from readiness.cli.github_comment import comment_text
from readiness.cli.main import main as readiness_command

_BASE_OF_MERGE_COMMIT = "HEAD^1"
_EVENTS_WITH_MERGE_COMMIT = frozenset({"pull_request"})
_EVENTS_OF_PULL_REQUESTS = frozenset({"pull_request", "pull_request_target"})
_REPORT_FILES = {"json": "readiness.json", "sarif": "readiness.sarif", "markdown": "readiness.md"}
_NO_OUTPUTS = "".join(f"{name}=\n" for name in ("score", "grade", "verdict", "exit-code"))
_OPTION_BY_INPUT = {
    "READINESS_PROFILE": "--profile",
    "READINESS_FAIL_ON": "--fail-on",
    "READINESS_MIN_SCORE": "--min-score",
    "READINESS_CONFIG": "--config",
}


def main() -> None:
    """Run the step. It ends with 0 whatever the gate says, which a later step asks; with 2 where the tool could not do its work."""
    environment = os.environ
    folder = Path(environment.get("RUNNER_TEMP") or ".").resolve()
    path_by_format = {name: folder / file_name for name, file_name in _REPORT_FILES.items()}
    for path in path_by_format.values():
        path.unlink(missing_ok=True)
    if error_text := missing_base_text(environment):
        _append(environment.get("GITHUB_OUTPUT"), _NO_OUTPUTS)
        sys.stderr.write(f"::error title=readiness::{error_text}\n")
        sys.exit(EXIT_NOT_ASSESSED)
    exit_code = readiness_command.exit_code(check_arguments(environment, path_by_format))
    if not path_by_format["json"].is_file():
        _append(environment.get("GITHUB_OUTPUT"), _NO_OUTPUTS)
        sys.exit(exit_code or EXIT_NOT_ASSESSED)
    report = json.loads(path_by_format["json"].read_text(encoding="utf-8"))
    markdown = path_by_format["markdown"].read_text(encoding="utf-8")
    _append(environment.get("GITHUB_STEP_SUMMARY"), markdown)
    comment_path = folder / "readiness-comment.md"
    comment_path.write_text(comment_text(markdown, run_address(environment)), encoding="utf-8")
    _append(environment.get("GITHUB_OUTPUT"), outputs_text(report, exit_code, {**path_by_format, "comment": comment_path}))
    sys.exit(EXIT_PASSED)


def check_arguments(environment: Mapping[str, str], path_by_format: Mapping[str, Path]) -> list[str]:
    """The arguments of `readiness check` that the inputs of the step ask for."""
    arguments = ["check", "--format", "github"]
    for name, path in path_by_format.items():
        arguments += ["--output", f"{name}={path}"]
    for input_name, option in _OPTION_BY_INPUT.items():
        if value := environment.get(input_name, "").strip():
            arguments.append(f"{option}={value}")
    if since := revision_of_input(environment, "READINESS_SINCE", own_word="all"):
        arguments.append(f"--since={since}")
    if settings_from := revision_of_input(environment, "READINESS_SETTINGS_FROM", own_word="tree"):
        arguments.append(f"--settings-from={settings_from}")
    paths = [line.strip() for line in environment.get("READINESS_PATHS", ".").splitlines() if line.strip()]
    return [*arguments, "--", *(paths or ["."])]


def revision_of_input(environment: Mapping[str, str], input_name: str, own_word: str) -> str:
    """The revision that an input means: the base of a pull request for auto, nothing for its own word, else what it says."""
    value = environment.get(input_name, "auto").strip() or "auto"
    if value == "auto":
        return base_of_pull_request(environment)
    return "" if value == own_word else value


def missing_base_text(environment: Mapping[str, str]) -> str:
    """What to set where an input means the base of a pull request, and the checkout does not hold it; empty where nothing is missing."""
    base = base_of_pull_request(environment)
    own_words = {"READINESS_SINCE": "all", "READINESS_SETTINGS_FROM": "tree"}
    if not base or base not in {revision_of_input(environment, name, word) for name, word in own_words.items()} or _commit_of(base):
        return ""
    depth = "2" if base == _BASE_OF_MERGE_COMMIT else "0"
    return (
        f"the checkout does not hold the base of the pull request ({base}): set `fetch-depth: {depth}` at actions/checkout, or set here"
        " `since: all` and `settings-from: tree` for all findings under the settings of the checkout"
    )


def base_of_pull_request(environment: Mapping[str, str]) -> str:
    """The commit that a pull request is to change; empty on other events.

    The commit that GitHub makes of a pull request has the base as its first parent, which a checkout of depth 2 holds. Where another commit is
    checked out, the event says what the base was.
    """
    event_name = environment.get("GITHUB_EVENT_NAME", "")
    if event_name not in _EVENTS_OF_PULL_REQUESTS:
        return ""
    if event_name in _EVENTS_WITH_MERGE_COMMIT and environment.get("GITHUB_SHA") and _commit_of("HEAD") == environment["GITHUB_SHA"]:
        return _BASE_OF_MERGE_COMMIT
    return _base_of_event(environment.get("GITHUB_EVENT_PATH", ""))


def _commit_of(revision: str) -> str:
    """The commit that a revision names; empty where the checkout does not hold it."""
    from readiness.programs.git import GitError, run_git

    try:
        return run_git("rev-parse", "--verify", "--end-of-options", f"{revision}^{{commit}}").decode("ascii", "replace").strip()
    except GitError:
        return ""


def _base_of_event(event_path: str) -> str:
    """The base of the pull request that an event is about; empty where the event's file does not say it."""
    try:
        event = json.loads(Path(event_path).read_text(encoding="utf-8"))
        commit = event["pull_request"]["base"]["sha"]
    except (OSError, ValueError, KeyError, TypeError):
        return ""
    return commit if isinstance(commit, str) and commit.isalnum() else ""


def outputs_text(report: Mapping[str, Any], exit_code: int, path_by_name: Mapping[str, Path]) -> str:
    """The outputs of the step, a line each; none of them holds text of a scanned file."""
    outputs = {
        "score": "" if report["score"] is None else str(report["score"]),
        "grade": report["grade"] or "",
        "verdict": report["verdict"],
        "passed": "true" if report["gate"]["passed"] else "false",
        "findings": str(sum(1 for one in report["findings"] if one["suppressed"] is None)),
        "exit-code": str(exit_code),
        **{name: str(path) for name, path in path_by_name.items()},
    }
    return "".join(f"{name}={value}\n" for name, value in outputs.items())


def run_address(environment: Mapping[str, str]) -> str:
    """The URL of the workflow's run; empty outside of GitHub Actions."""
    parts = [environment.get(name, "") for name in ("GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_RUN_ID")]
    return f"{parts[0]}/{parts[1]}/actions/runs/{parts[2]}" if all(parts) else ""


def _append(path: str | None, text: str) -> None:
    """Add text to a file that the runner reads after the step; nothing where it names none."""
    if path:
        with Path(path).open("a", encoding="utf-8", newline="\n") as file:
            file.write(text)


if __name__ == "__main__":
    main()

"""Code of a pull request beside secrets: what brings it, what runs it, who can start that, with what at hand."""

from __future__ import annotations

import pytest

from readiness import kinds
from readiness.model import Source
from readiness.model.project import Project
from readiness.run import engine
from tests.conftest import catalogue
from tests.effort import effort

SHA = "${{ github.event.pull_request.head.sha }}"
NUMBER = "${{ github.event.number }}"
FORK = "${{ github.event.pull_request.head.repo.full_name }}"
TARGET = "on: pull_request_target\n"


def job(*steps: str, head: str = "", permissions: str = "{contents: write}") -> str:
    """A job of a workflow; a step is a script, or a mapping that begins with a brace."""
    lines = [
        "jobs:",
        "  build:",
        "    runs-on: ubuntu-24.04",
        f"    permissions: {permissions}",
        *(f"    {line}" for line in head.split("\n") if line),
        "    steps:",
    ]
    for step in steps:
        if step.startswith("{"):
            lines.append(f"      - {step}")
        else:
            lines += ["      - run: |", *(f"          {line}" for line in step.split("\n"))]
    return "\n".join(lines) + "\n"


def run(*workflows: str, paths: tuple[str, ...] = (), prose: bool = False) -> list[str]:
    """The severities of what is found; `?` for each place where the rule could not tell."""
    rule = [bound for bound in catalogue() if bound.rule.id == "ci/foreign-code-checkout"]
    documents = []
    for number, text in enumerate(workflows):
        path = paths[number] if paths else f".github/workflows/{number}.yml"
        documents.append(("github", kinds.parse_source(Source(path, text, kind="github"))))
    outcome = engine.EngineResult()
    engine.run_rules(Project(documents, is_prose=prose), rule, {b.rule.id: b.rule for b in catalogue()}, outcome)
    unknown = outcome.tally_by_rule[rule[0].rule.id].unknown if outcome.tally_by_rule else 0
    return [*(str(one.severity) for one in outcome.findings), *("?" * unknown)]


BROUGHT = [
    f"git fetch origin {SHA}\ngit checkout FETCH_HEAD",
    f"git fetch origin {SHA}\ngit switch --detach FETCH_HEAD",
    f"git fetch origin {SHA}\ngit merge --no-edit FETCH_HEAD",
    f"git fetch origin {SHA}\ngit rebase FETCH_HEAD",
    f"git fetch origin {SHA}\ngit cherry-pick FETCH_HEAD~1..FETCH_HEAD",
    f"git fetch origin {SHA}\ngit reset --hard FETCH_HEAD",
    f"git fetch origin {SHA}\ngit reset --hard {SHA}",
    f"git fetch origin pull/{NUMBER}/head:pr\ngit checkout pr",
    f"git fetch origin +refs/pull/{NUMBER}/merge:refs/heads/pr\ngit checkout -q pr",
    f"git fetch origin pull/{NUMBER}/head:pr\ngit restore --source=pr .",
    f"git pull origin pull/{NUMBER}/head",
    f"git pull https://github.com/{FORK} $GITHUB_HEAD_REF",
    f"git remote add fork https://github.com/{FORK}\ngit fetch fork\ngit checkout fork/topic",
    f"git -C . pull --rebase origin refs/pull/{NUMBER}/merge",
    f"git clone https://github.com/{FORK} .",
    f"gh pr checkout {NUMBER}",
    f"gh pr diff {NUMBER} | git apply",
    "curl -L ${{ github.event.pull_request.patch_url }} -o p.patch\ngit am p.patch",
    f"PR={NUMBER}\ngit fetch origin pull/$PR/head\ngit checkout FETCH_HEAD",
    f'SHA="{SHA}"\ngit fetch origin "$SHA"\ngit checkout "$SHA"',
]


@pytest.mark.parametrize("script", BROUGHT)
def test_what_changes_files(script: str) -> None:
    assert run(TARGET + job(f"{script}\nmake test")) == ["critical"]
    assert run(TARGET + job(script, "make test")) == ["critical"]
    assert run(TARGET + job(script)) == ["medium"], "nothing of it is run"
    assert run(TARGET + job(f"make test\n{script}")) == ["medium"], "run before it came"


KEPT = [
    f"git fetch origin {SHA}\ngit diff --stat HEAD FETCH_HEAD",
    f"git fetch origin {SHA}\ngit log FETCH_HEAD\ngit show FETCH_HEAD",
    f"git fetch origin {SHA}\ngit reset FETCH_HEAD",
    f"git fetch origin pull/{NUMBER}/head:pr\ngit diff main...pr",
    f"gh pr diff {NUMBER}",
    f"gh pr view {NUMBER}",
    "git fetch origin $GITHUB_BASE_REF\ngit checkout FETCH_HEAD",
    f"git fetch origin {SHA}\ngit fetch origin main\ngit checkout FETCH_HEAD",
    # A branch's name is looked up in the base repository, where an outsider has no branch.
    "git fetch origin ${{ github.head_ref }}\ngit checkout ${{ github.head_ref }}",
    "git checkout main",
]


@pytest.mark.parametrize("script", KEPT)
def test_what_changes_no_file(script: str) -> None:
    assert run(TARGET + job(f"{script}\nmake test")) == []


RUN = [
    "npm ci",
    "npm install",
    "npm --prefix app run build",
    "yarn",
    "yarn lint",
    "pnpm -r test",
    "npx eslint .",
    "pip install -r requirements.txt",
    "python -m pip install -e .[test]",
    "pip install .",
    "poetry install",
    "uv sync --locked",
    "uv run pytest",
    "tox -e py",
    "sudo make install",
    "cmake --build build",
    "cargo test",
    "go test ./...",
    "./gradlew check",
    "mvn -B verify",
    "dotnet build",
    "bundle install",
    "./scripts/check.sh",
    "scripts/check",
    "bash ci/run.sh",
    "python setup.py sdist",
    "node index.js",
    "$GITHUB_WORKSPACE/build.sh",
    "docker build .",
    "docker compose up -d",
    "terraform plan",
    "pre-commit run --all-files",
]
NOT_RUN = [
    "ls -la",
    "cat VERSION",
    "npm ci --ignore-scripts",
    "npm install -g prettier",
    "pip install ruff",
    "ruff check .",
    "grep -r TODO .",
    "jq .version package.json",
    "python -c 'print(1)'",
    "bash -c 'echo hi'",
    "make --version",
    "/opt/tools/check.sh",
    "$RUNNER_TEMP/check.sh",
    "~/bin/check.sh",
    "cd /tmp\nmake",
    "go fmt ./...",
    "cargo fmt --check",
    "gh pr comment 1 --body hi",
]


@pytest.mark.parametrize("script", RUN)
def test_what_runs_it(script: str) -> None:
    assert run(TARGET + job(f"gh pr checkout {NUMBER}", script)) == ["critical"]


@pytest.mark.parametrize("script", NOT_RUN)
def test_what_runs_nothing_of_it(script: str) -> None:
    assert run(TARGET + job(f"gh pr checkout {NUMBER}", script)) == ["medium"]


def checkout(ref: str = SHA, *, version: str = "v1", more: str = "") -> str:
    return f"{{uses: actions/checkout@{version}, with: {{ref: '{ref}'{more}}}}}"


ACTIONS = [
    ("{uses: ./.github/actions/build}", "critical"),
    ("{uses: docker/build-push-action@v6, with: {context: .}}", "critical"),
    ("{uses: ruby/setup-ruby@v1, with: {bundler-cache: true}}", "critical"),
    ("{uses: ruby/setup-ruby@v1}", "medium"),
    ("{uses: actions/setup-node@v6, with: {cache: npm}}", "medium"),
    ("{uses: actions/labeler@v6}", "medium"),
]


@pytest.mark.parametrize(("step", "severity"), ACTIONS)
def test_actions_that_run_it(step: str, severity: str) -> None:
    assert run(TARGET + job(checkout(), step)) == [severity]


FOLDERS = [
    ([checkout(more=", path: pr"), "make"], "medium"),
    ([checkout(more=", path: pr"), "./label.sh"], "medium"),
    ([checkout(more=", path: pr"), "cd pr\nmake"], "critical"),
    ([checkout(more=", path: pr"), "make -C pr"], "critical"),
    ([checkout(more=", path: pr"), "pip install -r pr/requirements.txt"], "critical"),
    ([checkout(more=", path: pr"), "bash pr/run.sh"], "critical"),
    ([checkout(more=", path: pr"), "{uses: ./pr/action}"], "critical"),
    ([checkout(more=", path: pr"), "{run: make, working-directory: ./pr}"], "critical"),
    ([checkout(), "{uses: actions/checkout@v6, with: {path: base}}", "base/run.sh"], "medium"),
    ([checkout(), "{uses: actions/checkout@v6}", "make"], "medium"),
    ([checkout(more=", sparse-checkout: docs"), "make"], "medium"),
    ([checkout(more=", sparse-checkout: ci"), "bash ci/run.sh"], "critical"),
    ([f"git fetch origin {SHA}\ngit checkout FETCH_HEAD -- docs\nmake"], "medium"),
    ([f"git fetch origin {SHA}\ngit checkout FETCH_HEAD -- ci\nci/run.sh"], "critical"),
    ([f"git fetch origin {SHA}\ngit show FETCH_HEAD:run.sh > run.sh\nbash run.sh"], "critical"),
    ([f"git fetch origin {SHA}\ngit show FETCH_HEAD:run.sh | bash"], "critical"),
    ([f"git fetch origin {SHA}\ngit worktree add pr FETCH_HEAD\nmake"], "medium"),
    ([f"git fetch origin {SHA}\ngit worktree add pr FETCH_HEAD\nmake -C pr"], "critical"),
    ([f"gh pr checkout {NUMBER}\ngit checkout main\nmake"], "medium"),
    ([f"cd /tmp\ngit clone https://github.com/{FORK} pr\nmake"], "medium"),
    ([f"cd /tmp\ngit clone https://github.com/{FORK} pr\ncd pr\nmake"], "critical"),
    ([f"git clone https://github.com/{FORK} $RUNNER_TEMP/pr\nmake -C $RUNNER_TEMP/pr"], "critical"),
    (
        [f"git clone https://github.com/{FORK} $RUNNER_TEMP/pr\nbash $RUNNER_TEMP/pr/run.sh"],
        "critical",
    ),
    ([f"cd $APP\ngh pr checkout {NUMBER}\n./run.sh"], "critical"),
    ([f"cd ~/src\ngh pr checkout {NUMBER}\nmake"], "critical"),
    ([f"cd $APP\ngh pr checkout {NUMBER}\nmake"], "critical"),
    (
        [f"gh pr checkout {NUMBER}", "{run: make, working-directory: '${{ matrix.folder }}'}"],
        "critical",
    ),
    ([f"gh pr checkout {NUMBER}", "cd $RUNNER_TEMP\nmake"], "medium"),
    ([f"gh pr checkout {NUMBER}", "bash $TOOLS/run.sh"], "medium"),
    ([f"gh pr checkout {NUMBER}", "bash ${{ github.workspace }}/run.sh"], "critical"),
    ([f"git clone --depth 1 https://github.com/{FORK} pr\nmake"], "medium"),
    ([f"git clone --depth 1 https://github.com/{FORK} pr\nmake -C pr"], "critical"),
    ([f"git clone --depth 1 https://github.com/{FORK}\nls"], "medium"),
    ([checkout(more=", path: .github/pr"), "bash .github/pr/run.sh"], "critical"),
    ([checkout(more=", path: .github/pr"), "bash github/pr/run.sh"], "medium"),
]


@pytest.mark.parametrize(("steps", "severity"), FOLDERS)
def test_where_it_lies(steps: list[str], severity: str) -> None:
    assert run(TARGET + job(*steps)) == [severity]


REFS = [
    (TARGET, SHA, "critical"),
    (TARGET, "refs/pull/${{ github.event.pull_request.number }}/merge", "critical"),
    (TARGET, "${{ format(''refs/pull/{0}/head'', github.event.number) }}", "critical"),
    (TARGET, "${{ github.event.pull_request.head.sha || github.sha }}", "critical"),
    (TARGET, "${{ github.event.pull_request.base.sha }}", ""),
    (TARGET, "${{ github.head_ref }}", ""),
    (TARGET, "${{ github.event.pull_request.head.ref }}", ""),
    (
        TARGET,
        "${{ github.event_name == ''pull_request'' && github.event.pull_request.head.sha || github.sha }}",
        "",
    ),
    (
        TARGET,
        "${{ github.event_name != ''push'' && github.event.pull_request.head.sha || github.sha }}",
        "critical",
    ),
    ("on: issue_comment\n", "refs/pull/${{ github.event.issue.number }}/head", "critical"),
    ("on: issue_comment\n", SHA, ""),
    (
        "on: [pull_request, workflow_run]\n",
        "${{ github.event.pull_request.head.sha || github.sha }}",
        "",
    ),
    ("on: pull_request\n", SHA, ""),
    ("on: push\n", SHA, ""),
]


@pytest.mark.parametrize(("on", "ref", "severity"), REFS)
def test_what_a_ref_comes_to(on: str, ref: str, severity: str) -> None:
    assert run(on + job(checkout(ref), "make")) == ([severity] if severity else [])


def test_a_fork_as_the_repository() -> None:
    step = f"{{uses: actions/checkout@v1, with: {{repository: '{FORK}', ref: '${{{{ github.head_ref }}}}'}}}}"
    assert run(TARGET + job(step, "make")) == ["critical"]
    other = "{uses: actions/checkout@v1, with: {repository: acme/tools}}"
    assert run(TARGET + job(other, "make")) == []


VERSIONS = [
    ("v1", "critical"),
    ("v2", "high"),
    ("v4", "high"),
    ("v6", "high"),
    ("main", "high"),
    ("v4.2.2", "critical"),
    ("v4.4.0", "high"),
    ("v6.0", "critical"),
    ("v7.0.1", "high"),
]
COMMIT = "0123456789012345678901234567890123456789"


@pytest.mark.parametrize(("version", "severity"), VERSIONS)
def test_releases_that_refuse_a_fork(version: str, severity: str) -> None:
    assert run(TARGET + job(checkout(version=version), "make")) == [severity]
    comment = "on: issue_comment\n"
    pull = "refs/pull/${{ github.event.issue.number }}/head"
    assert run(comment + job(checkout(pull, version=version), "make")) == ["critical"]
    allowed = checkout(version=version, more=", allow-unsafe-pr-checkout: true")
    assert run(TARGET + job(allowed, "make")) == ["critical"]


@pytest.mark.parametrize(
    ("comment", "severity"),
    [
        ("", "high"),
        (" # v4.2.2", "critical"),
        (" # v4", "high"),
        (" # v6.1.0", "high"),
        (" # tag=v5.0.0", "critical"),
    ],
)
def test_commits_by_the_release_behind_them(comment: str, severity: str) -> None:
    step = f"{{run: ''}}\n      - uses: actions/checkout@{COMMIT}{comment}\n        with: {{ref: '{SHA}'}}"
    assert run(TARGET + job(step, "make")) == [severity]


RIGHTS = [
    ("write-all", "critical"),
    ("{contents: write}", "critical"),
    ("{id-token: write}", "critical"),
    ("{pull-requests: write}", "high"),
    ("{contents: read}", "medium"),
    ("{}", "medium"),
    ("read-all", "medium"),
]


@pytest.mark.parametrize(("permissions", "severity"), RIGHTS)
def test_what_is_at_hand(permissions: str, severity: str) -> None:
    steps = (f"gh pr checkout {NUMBER}", "make")
    assert run(TARGET + job(*steps, permissions=permissions)) == [severity]
    hook = "{run: ./notify, env: {HOOK: '${{ secrets.HOOK }}'}}"
    assert run(TARGET + job(*steps, hook, permissions=permissions)) == ["critical"]
    own = "{run: ./notify, env: {GH_TOKEN: '${{ secrets.GITHUB_TOKEN }}'}}"
    assert run(TARGET + job(*steps, own, permissions=permissions)) == [severity]


def test_rights_that_are_not_told() -> None:
    text = TARGET + job(f"gh pr checkout {NUMBER}", "make")
    assert run(text.replace("    permissions: {contents: write}\n", "")) == ["high"]
    assert run("permissions: {contents: read}\n" + text.replace("    permissions: {contents: write}\n", "")) == ["medium"]


def test_a_machine_that_is_kept() -> None:
    text = TARGET + job(f"gh pr checkout {NUMBER}", "make", permissions="{}")
    assert run(text.replace("ubuntu-24.04", "[self-hosted, linux]")) == ["high"]


PULL = "github.event.pull_request"
CONDITIONS = [
    (f"{PULL}.head.repo.full_name == github.repository", ""),
    (f"github.repository == {PULL}.head.repo.full_name", ""),
    (f"{PULL}.head.repo.full_name != github.repository", "critical"),
    (f"{PULL}.head.repo.fork == false", ""),
    (f"!{PULL}.head.repo.fork", ""),
    (f"{PULL}.head.repo.fork", "critical"),
    (f"{PULL}.head.repo.owner.login == 'acme'", ""),
    (f"{PULL}.merged == true", ""),
    (f"{PULL}.merged", ""),
    (f"{PULL}.user.login == 'dependabot[bot]'", ""),
    (f"{PULL}.author_association == 'MEMBER'", ""),
    (f"""contains(fromJSON('["OWNER", "MEMBER"]'), {PULL}.author_association)""", ""),
    (f"""contains(fromJSON('["OWNER", "NONE"]'), {PULL}.author_association)""", "critical"),
    ("github.actor == 'dependabot[bot]'", "medium"),
    ("github.actor != 'dependabot[bot]'", "critical"),
    (f"contains({PULL}.labels.*.name, 'safe to test')", "medium"),
    (f"!contains({PULL}.labels.*.name, 'skip')", "critical"),
    ("github.event.label.name == 'ok'", "medium"),
    (f"contains(toJSON({PULL}.labels), 'safe')", "medium"),
    (f"contains(join({PULL}.labels.*.name, ','), 'safe')", "medium"),
    (f"{PULL}.labels[0].name == 'safe'", "medium"),
    ("github.event.sender.type == 'User'", "critical"),
    (f"{PULL}.user.type != 'Bot'", "critical"),
    (f"startsWith({PULL}.head.label, 'acme:')", ""),
    (f"startsWith({PULL}.title, 'docs')", "critical"),
    ("github.event.action == 'labeled'", "medium"),
    ("github.event.action != 'closed'", "critical"),
    ("github.event_name == 'push'", ""),
    ("github.event_name == 'pull_request_target'", "critical"),
    ("github.event_name == 'push' || github.event_name == 'pull_request_target'", "critical"),
    ("github.repository == 'acme/web'", "critical"),
    ("github.base_ref == 'main'", "critical"),
    (f"{PULL}.draft == false && {PULL}.head.repo.fork == false", ""),
    ("vars.TRUSTED == 'yes'", "medium"),
    ("inputs.run", "medium"),
    ("always()", "critical"),
    ("success() || failure()", "critical"),
    ("false", None),
]


@pytest.mark.parametrize(("condition", "severity"), CONDITIONS)
def test_who_can_start_it(condition: str, severity: str | None) -> None:
    quoted = condition.replace('"', '\\"')
    head = f'if: "{quoted}"'
    steps = [f"gh pr checkout {NUMBER}", "make"]
    assert run(TARGET + job(*steps, head=head)) == ([severity] if severity else [])
    braced = f'if: "${{{{ {quoted} }}}}"'
    assert run(TARGET + job(*steps, head=braced)) == ([severity] if severity else [])
    step = f'{{run: "gh pr checkout {NUMBER}", if: "{quoted}"}}'
    assert run(TARGET + job(step, "make")) == ([severity] if severity else [])


def test_a_condition_on_what_runs_it() -> None:
    step = f'{{run: make, if: "{PULL}.head.repo.fork == false"}}'
    assert run(TARGET + job(f"gh pr checkout {NUMBER}", step)) == ["medium"]


COMMENTS = [
    ("github.event.issue.pull_request && contains(github.event.comment.body, '/test')", "critical"),
    ("github.event.comment.author_association == 'MEMBER'", "medium"),
    ("contains('OWNER MEMBER COLLABORATOR', github.event.comment.author_association)", "medium"),
    ("github.event.comment.author_association != 'NONE'", "critical"),
    ("github.event.comment.user.login == 'anna'", "medium"),
    ("github.event.issue.user.login == 'anna'", ""),
    # A comment's payload has no pull request: nothing is not the repository's name.
    ("github.event.pull_request.head.repo.full_name != github.repository", "critical"),
    ("github.event.pull_request.head.repo.full_name == github.repository", ""),
]


@pytest.mark.parametrize(("condition", "severity"), COMMENTS)
def test_who_comments(condition: str, severity: str) -> None:
    steps = ["gh pr checkout ${{ github.event.issue.number }}", "make"]
    text = "on: issue_comment\n" + job(*steps, head=f'if: "{condition}"')
    assert run(text) == ([severity] if severity else [])


def test_activity_types_of_insiders() -> None:
    steps = (f"gh pr checkout {NUMBER}", "make")
    labelled = "on: {pull_request_target: {types: [labeled]}}\n"
    assert run(labelled + job(*steps)) == ["medium"]
    both = "on: {pull_request_target: {types: [labeled, synchronize]}}\n"
    assert run(both + job(*steps)) == ["critical"]


@pytest.mark.parametrize(
    "step",
    [
        "{uses: actions-cool/check-user-permission@v2}",
        "{uses: actions/github-script@v8, with: {script: 'github.rest.repos.getCollaboratorPermissionLevel({})'}}",
        "gh api repos/acme/web/collaborators/$GITHUB_ACTOR/permission | grep -q write",
    ],
)
def test_a_step_that_asks_for_rights_first(step: str) -> None:
    assert run(TARGET + job(step, f"gh pr checkout {NUMBER}", "make")) == ["medium"]
    assert run(TARGET + job(f"gh pr checkout {NUMBER}", "make", step)) == ["critical"]


FILTER = "{uses: dorny/paths-filter@v3, id: changes}"


def test_outputs_that_the_change_decides() -> None:
    step = "{run: make, if: steps.changes.outputs.code == 'true'}"
    assert run(TARGET + job(FILTER, f"gh pr checkout {NUMBER}", step)) == ["critical"]
    other = "{run: make, if: steps.other.outputs.code == 'true'}"
    assert run(TARGET + job(FILTER, f"gh pr checkout {NUMBER}", other)) == ["medium"]


def gate(condition: str = "", more: str = "") -> str:
    lines = ["  gate:", "    runs-on: ubuntu-24.04"]
    lines += [f"    if: {condition}"] if condition else []
    lines += [f"    {more}"] if more else []
    return "\n".join((*lines, "    steps: [{run: echo}]", ""))


def test_a_job_that_is_waited_for() -> None:
    steps = (f"gh pr checkout {NUMBER}", "make")
    waiting = TARGET + job(*steps, head="needs: gate")
    assert run(waiting + gate(f"{PULL}.head.repo.fork == false")) == []
    assert run(waiting + gate("github.event.label.name == 'ok'")) == ["medium"]
    assert run(waiting + gate()) == ["critical"]
    assert run(waiting + gate(more="environment: reviewed")) == ["?"]
    always = TARGET + job(*steps, head="needs: gate\nif: always()")
    assert run(always + gate(f"{PULL}.head.repo.fork == false")) == ["critical"]


def test_an_environment_may_ask() -> None:
    steps = (f"gh pr checkout {NUMBER}", "make")
    assert run(TARGET + job(*steps, head="environment: reviewed")) == ["?"]


FOLLOWS = "on: {workflow_run: {workflows: [CI]}}\n"
FOLLOWED = [
    ("name: CI\non: pull_request\njobs: {}\n", "critical"),
    ("name: CI\non: [push, pull_request]\njobs: {}\n", "critical"),
    ("name: CI\non: push\njobs: {}\n", ""),
    ("name: CI\non: {schedule: [{cron: '1 1 * * *'}]}\njobs: {}\n", ""),
    ("name: Other\non: pull_request\njobs: {}\n", "medium"),
]


@pytest.mark.parametrize(("other", "severity"), FOLLOWED)
def test_the_workflow_that_is_followed(other: str, severity: str) -> None:
    text = FOLLOWS + job(checkout("${{ github.event.workflow_run.head_sha }}"), "make")
    assert run(text, other) == ([severity] if severity else [])


def test_the_event_of_the_run_that_is_followed() -> None:
    ci = "name: CI\non: [push, pull_request]\njobs: {}\n"
    steps = (checkout("${{ github.event.workflow_run.head_sha }}"), "make")
    pushed = "if: github.event.workflow_run.event == 'push'"
    assert run(FOLLOWS + job(*steps, head=pushed), ci) == []
    passed = "if: github.event.workflow_run.conclusion == 'success'"
    assert run(FOLLOWS + job(*steps, head=passed), ci) == ["critical"]
    # A fork may call its branch as it likes.
    main = "if: github.event.workflow_run.head_branch == 'main'"
    assert run(FOLLOWS + job(*steps, head=main), ci) == ["critical"]


def test_what_github_does_not_run_from_there() -> None:
    text = TARGET + job(f"gh pr checkout {NUMBER}", "make")
    push = "on: push\njobs: {}\n"
    places = (".github/workflows/a.yml", "templates/x/.github/workflows/b.yml")
    assert run(push, text, paths=places) == ["high"]
    assert run(text, paths=("workflow-templates/b.yml",)) == ["high"]
    assert run(text, paths=("web/.github/workflows/b.yml",)) == ["critical"]
    assert run(text, prose=True) == ["high"]


def test_one_step_is_told_once() -> None:
    script = f"gh pr checkout {NUMBER}\nmake\ngit fetch origin {SHA}\ngit merge FETCH_HEAD\nmake"
    assert run(TARGET + job(script)) == ["critical"]
    two = "on: [pull_request_target, issue_comment]\n"
    assert run(two + job("gh pr checkout $N\nmake")) == ["critical"]


def test_the_work_grows_with_the_steps() -> None:
    def work(count: int) -> int:
        steps = [f"gh pr checkout {NUMBER}\nmake", "{run: make, if: vars.X}"] * count
        text = TARGET + job(*steps)
        return effort(lambda: run(text))

    assert work(80) < 4.5 * work(20)

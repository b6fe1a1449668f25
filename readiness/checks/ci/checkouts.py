"""Foreign code in the working tree of a job: what a step checks out, merges or applies, and what then runs it.

`git fetch` brings commits and changes no file. https://git-scm.com/docs/git-fetch
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from readiness.checks.ci import worktree
from readiness.checks.ci.outsiders import OutsiderChance, possible_values
from readiness.facts.programs import program_property
from readiness.kinds.github.model import Step
from readiness.kinds.pipeline.scripts import ScriptCommand, script_calls
from readiness.model import Span

# The commit of a pull request, and the repository that it comes from, by the event's payload. A branch's name alone is looked
# up in the base repository, where an outsider has none.
_NEVER_MATCHES = re.compile(r"(?!)")
_FOREIGN_COMMIT_BY_EVENT = {
    "pull_request_target": re.compile(r"github\.event\.pull_request\.(?:head\.sha|merge_commit_sha)", re.IGNORECASE),
    "workflow_run": re.compile(r"github\.event\.workflow_run\.(?:head_sha|head_commit\.id)", re.IGNORECASE),
    "issue_comment": _NEVER_MATCHES,
}
_FOREIGN_REPOSITORY_BY_EVENT = {
    "pull_request_target": re.compile(r"github\.event\.pull_request\.head\.(?:repo\b|user\.login|label)", re.IGNORECASE),
    "workflow_run": re.compile(r"github\.event\.workflow_run\.head_repository", re.IGNORECASE),
    "issue_comment": _NEVER_MATCHES,
}
_PULL_REQUEST_REF = re.compile(r"\bpull/(?![0-9]+/)[^/\s:]{1,200}/(?:head|merge)\b")
_PATCH_URL = re.compile(r"\.(?:patch_url|diff_url)\b|\bpull/[^/\s]{1,200}\.(?:diff|patch)\b")
_SHELL_VARIABLE = re.compile(r"\$\{?([A-Za-z_]\w{0,60})\}?")
_SHELL_ASSIGNMENT = re.compile(r"^[ \t]*(?:export[ \t]+)?([A-Za-z_]\w{0,60})=([^\n]{0,400})", re.MULTILINE)
_OUTPUT_REDIRECTION = re.compile(r"[ \t]{0,80}>[ \t]{0,80}([^\s|;&]{1,200})")
# The releases since which actions/checkout refuses the code of a fork under the two events:
# https://github.blog/changelog/2026-06-18-safer-pull_request_target-defaults-for-github-actions-checkout/
_FIRST_REFUSING_RELEASE_BY_MAJOR = {2: (2, 8), 3: (3, 7), 4: (4, 4), 5: (5, 1), 6: (6, 1)}
_ACTION_VERSION = re.compile(r"v?([0-9]{1,4})(?:\.([0-9]{1,4}))?(?:\.[0-9]{1,4})?\Z")
_BASE_BRANCH_REF = re.compile(r"(?:main|master|develop|-|origin/\S{1,250})\Z|base\.(?:ref|sha)|github\.(?:sha|base_ref)")


@dataclass(slots=True)
class ForeignCheckout:
    """Foreign code in a folder of the workspace, or in some files of it, and what runs it; who can start the one and the other."""

    step: Step
    span: Span
    files: tuple[str, ...] = ()
    is_refused_by_action: bool = False
    checkout_chance: OutsiderChance = OutsiderChance.YES
    run_by: str = ""
    run_chance: OutsiderChance = OutsiderChance.YES

    @property
    def combined_chance(self) -> OutsiderChance:
        """Whether an outsider can bring both about."""
        return min(self.checkout_chance, self.run_chance)


class ForeignCodeTracker:
    """The steps of a job in order: which folders hold foreign code, and what is known of commits that were only fetched."""

    def __init__(self, event: str) -> None:
        self.event = event
        self.commit = _FOREIGN_COMMIT_BY_EVENT[event]
        self.repository = _FOREIGN_REPOSITORY_BY_EVENT[event]
        self.folders: dict[str, ForeignCheckout | None] = {}
        self.some: list[ForeignCheckout] = []  # those of some files only
        self.checkouts: list[ForeignCheckout] = []
        self.refs: set[str] = set()
        self.remotes: set[str] = set()
        self.patched = False
        self.chance = OutsiderChance.YES

    def follow_step(self, step: Step, chance: OutsiderChance) -> None:
        """Record what one step checks out and runs; `chance`: whether an outsider can get the run as far as this step."""
        self.chance = chance
        used = step.parsed_uses
        if used is not None and used.slug == "actions/checkout":
            self.follow_checkout(step)
            return
        for path in worktree.folders_run_by_action(step):
            self.mark_run(path, used.text.partition("@")[0] if used is not None else "")
        if step.run_script is not None:
            _ScriptTracker(self, step, step.run_script.value).follow_commands()

    def add_foreign_code(
        self,
        step: Step,
        span: Span,
        folder: str,
        files: tuple[str, ...] = (),
        refused: bool = False,
    ) -> ForeignCheckout:
        """Note foreign code in a folder, or in some files of it."""
        checkout = ForeignCheckout(step, span, files, refused, self.chance)
        self.checkouts.append(checkout)
        if files:
            self.some.append(checkout)
        else:
            self.folders[folder] = checkout
        return checkout

    def mark_run(self, path: str, by_what: str) -> None:
        """Note that the code of a file or a folder is run."""
        at = max((f for f in self.folders if worktree.is_within(path, f)), key=len, default=None)
        here = [one for one in self.some if any(worktree.is_within(path, file) for file in one.files)]
        all_files = self.folders[at] if at is not None else None
        for checkout in [*here, all_files] if all_files is not None else here:
            if not checkout.run_by or checkout.run_chance < self.chance:
                checkout.run_by, checkout.run_chance = by_what, self.chance

    def follow_checkout(self, step: Step) -> None:
        """Take a step with actions/checkout."""
        options = step.with_inputs
        ref, repository = (str(options.get(key) or "") for key in ("ref", "repository"))
        folder = worktree.workspace_path("", str(options.get("path") or ""))
        if folder is None:
            return
        elsewhere = self.is_repository(repository)
        if not elsewhere and (not self.is_commit(ref) or (repository and "github.repo" not in repository)):
            self.folders[folder] = None
            return
        sparse = options.get("sparse-checkout")
        files = [worktree.workspace_path(folder, line.strip().rstrip("/")) for line in str(sparse or "").split("\n")]
        span = options.at("ref" if self.is_commit(ref) or "repository" not in options else "repository")
        refused = self.event != "issue_comment" and _refuses_fork_code(step)
        self.add_foreign_code(step, span, folder, tuple(file for file in files if file), refused)

    def is_commit(self, text: str) -> bool:
        """Whether a text names the commit of a pull request."""
        return any(self.commit.search(one) or _PULL_REQUEST_REF.search(one) for one in possible_values(text, self.event))

    def is_repository(self, text: str) -> bool:
        """Whether a text names the repository that a pull request comes from."""
        return any(self.repository.search(one) for one in possible_values(text, self.event))


def _refuses_fork_code(step: Step) -> bool:
    """Whether the release of actions/checkout refuses a fork's code: moving tags have moved on; a commit tells by its comment."""
    if str(step.with_inputs.get("allow-unsafe-pr-checkout")).lower() == "true":
        return False
    used = step.parsed_uses
    ref = used.ref if used is not None else ""
    if used is not None and used.is_pinned_to_commit:
        text = step.source.text
        end = step.node.at("uses").end
        comment = re.match(r"[\"']?[ \t]*#[ \t]*(?:actions/checkout@|tag[=:][ \t]*)?(\S+)", text[end : end + 100])
        ref = comment[1] if comment else ""
    match = _ACTION_VERSION.match(ref)
    if match is None:
        return True
    major, minor = int(match[1]), match[2]
    if minor is None:
        return major > 1
    return (major, int(minor)) >= _FIRST_REFUSING_RELEASE_BY_MAJOR.get(major, (7, 0))


class _ScriptTracker:
    """One pass over the commands of a step's script, with the working folder and the variables as they change."""

    def __init__(self, walk: ForeignCodeTracker, step: Step, script: str) -> None:
        self.walk = walk
        self.step = step
        self.script = script
        self.folder = worktree.start_folder(step)
        self.piped: dict[int, ForeignCheckout] = {}
        self.values = {name: one.raw_text.value for name, one in step.variables.items() if one.raw_text is not None}
        self.values |= {name: value.strip("\"'") for name, value in _SHELL_ASSIGNMENT.findall(script)}

    def follow_commands(self) -> None:
        """Record what each command of the script checks out and runs, in order."""
        for call in script_calls(self.script):
            if call.program in ("cd", "pushd"):
                self.folder = worktree.folder_after_cd(call, self.folder)
            elif call.program == "git":
                self.follow_git(call)
            elif call.program in ("gh", "hub"):
                self.follow_gh(call)
            elif call.program in ("curl", "wget"):
                self.walk.patched |= any(_PATCH_URL.search(self.expand_variables(word)) for word in call.words)
            elif call.pipeline_number in self.piped and program_property(call.program, "interpreter"):
                checkout = self.piped[call.pipeline_number]
                checkout.run_by, checkout.run_chance = f"`{call.program}`", self.walk.chance
            else:
                for path in worktree.paths_run_by(call, self.folder):
                    self.walk.mark_run(path, f"`{' '.join(call.text.split()[:2])[:40]}`")

    def expand_variables(self, word: str) -> str:
        """A word with the variables that are known put in, twice: one may hold another."""
        for _ in range(2):
            word = _SHELL_VARIABLE.sub(lambda match: self.values.get(match[1], match[0])[:400], word[:2000])
        return word

    def is_foreign(self, word: str) -> bool:
        """Whether a word names a commit, a ref, a remote or a repository of the pull request."""
        word = word.rpartition("=")[2] if word.startswith("--") else word
        value = self.expand_variables(word)
        base = re.split(r"[~^:@]", word, maxsplit=1)[0]
        refs, remotes = self.walk.refs, self.walk.remotes
        known = base in refs or word in remotes or any(base.startswith(f"{name}/") for name in remotes)
        return known or self.walk.is_commit(value) or self.walk.is_repository(value)

    def add_foreign_code(self, call: ScriptCommand, folder: str | None, files: tuple[str, ...] = ()) -> ForeignCheckout | None:
        """Note foreign code that a command brings into a folder."""
        run = self.step.run_script
        if run is None or folder is None:
            return None
        return self.walk.add_foreign_code(self.step, run.span_of_line(call.start), folder, files)

    def follow_gh(self, call: ScriptCommand) -> None:
        """Take a command of GitHub's own tool."""
        if call.non_option_arguments[:2] == ("pr", "checkout"):
            self.add_foreign_code(call, self.folder)
        elif call.non_option_arguments[:2] == ("pr", "diff"):
            self.walk.patched = True
        elif call.non_option_arguments[:2] == ("repo", "clone") and any(map(self.is_foreign, call.words)):
            self.add_foreign_code(call, self.folder)

    def follow_git(self, call: ScriptCommand) -> None:
        """Record what a git command brings into a folder of the workspace."""
        folder, words = self.folder, list(call.words)
        while words and words[0].startswith("-"):
            option = words.pop(0)
            if option in ("-C", "-c", "--git-dir", "--work-tree") and words:
                value = words.pop(0)
                folder = worktree.workspace_path(folder, self.expand_variables(value)) if option == "-C" else folder
        verb, words = (words[0], words[1:]) if words else ("", [])
        foreign = [word for word in words if self.is_foreign(word)]
        if verb == "remote" and words[:1] in (["add"], ["set-url"]) and foreign:
            names = [word for word in words[1:] if not word.startswith("-")]
            self.walk.remotes.update(names[:1])
        elif verb == "fetch":
            self.follow_fetch(foreign)
        elif verb in ("apply", "am") and (self.walk.patched or foreign):
            self.add_foreign_code(call, folder)
        elif verb == "clone" and foreign:
            self.add_foreign_code(call, self.clone_folder(words, foreign[0], folder))
        elif verb in ("show", "cat-file") and foreign:
            self.follow_show(call, folder)
        elif (
            verb in _TREE_CHANGING_GIT_VERBS
            and foreign
            and (not _TREE_CHANGING_GIT_VERBS[verb] or _TREE_CHANGING_GIT_VERBS[verb] & set(words))
        ):
            self.follow_change(call, verb, words, folder)
        elif verb in ("checkout", "switch") and folder is not None and self.is_return_to_base(words):
            self.walk.folders[folder] = None

    def clone_folder(self, words: list[str], url: str, folder: str | None) -> str | None:
        """The folder that a clone makes: the one that is named, else one called like the repository."""
        after = [word for word in words[words.index(url) + 1 :] if not word.startswith("-")]
        named = after[0] if after else url.removesuffix(".git").rpartition("/")[2]
        return worktree.workspace_path(folder, named)

    def is_return_to_base(self, words: list[str]) -> bool:
        """Whether a checkout is of a branch of the repository itself, as a whole."""
        return len(words) == 1 and _BASE_BRANCH_REF.search(self.expand_variables(words[0])) is not None

    def follow_fetch(self, foreign: list[str]) -> None:
        """Note what a fetch brings: no file changes."""
        self.walk.refs.discard("FETCH_HEAD")
        for word in foreign:
            self.walk.refs.add("FETCH_HEAD")
            source, colon, target = word.rpartition(":")
            if colon and not target.startswith("//") and source:
                name = target.removeprefix("refs/heads/").removeprefix("refs/remotes/")
                self.walk.refs |= {name, self.expand_variables(name)}

    def follow_show(self, call: ScriptCommand, folder: str | None) -> None:
        """Take a file that git prints: into another file, or into a shell."""
        into = _OUTPUT_REDIRECTION.match(self.script, call.end)
        path = worktree.workspace_path(folder, into[1].strip("\"'")) if into else None
        if path:
            self.add_foreign_code(call, folder, (path,))
        elif call.pipeline_number >= 0:
            checkout = self.add_foreign_code(call, folder, ("",))
            if checkout is not None:
                self.piped[call.pipeline_number] = checkout

    def follow_change(self, call: ScriptCommand, verb: str, words: list[str], folder: str | None) -> None:
        """Take a command that changes files of the working tree to those of a foreign commit."""
        if verb == "worktree":
            names = [word for word in words[1:] if not word.startswith("-") and not self.is_foreign(word)]
            folder = worktree.workspace_path(folder, names[-1]) if names else folder
        files: list[str] = []
        if verb in ("checkout", "restore"):
            last = max(index for index, word in enumerate(words) if self.is_foreign(word))
            files = [word for word in words[last + 1 :] if word != "--" and not word.startswith("-")]
        named = (worktree.workspace_path(folder, word.rstrip("/")) for word in files if word != ".")
        self.add_foreign_code(call, folder, tuple(path for path in named if path))


# What changes the working tree, and the options that it takes for it to do so.
_TREE_CHANGING_GIT_VERBS: dict[str, frozenset[str]] = {
    "checkout": frozenset(),
    "switch": frozenset(),
    "merge": frozenset(),
    "rebase": frozenset(),
    "cherry-pick": frozenset(),
    "pull": frozenset(),
    "archive": frozenset(),
    "restore": frozenset(),
    "worktree": frozenset({"add"}),
    "reset": frozenset({"--hard", "--merge", "--keep"}),
    "read-tree": frozenset({"-u", "-um", "-mu"}),
}

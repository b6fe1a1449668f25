"""Foreign code in the working tree of a job: what a step checks out, merges or applies, and what then runs it.

`git fetch` brings commits and changes no file. https://git-scm.com/docs/git-fetch
"""

from __future__ import annotations

import re

from readiness.checks.ci import worktree
from readiness.checks.ci.outsiders import OutsiderChance, possible_texts_in_outsider_run
from readiness.facts.programs import program_property
from readiness.kinds.github.model import Step
from readiness.kinds.pipeline.scripts import ScriptCommand, script_calls
from readiness.model import Span
from readiness.model.lazy_regex import lazy_regex
from readiness.model.records import dataclass

# The commit of a pull request, and the repository that it comes from, by the event's payload. A branch's name alone is looked
# up in the base repository, where an outsider has none.
_NEVER_MATCHES = lazy_regex(r"(?!)")
_FOREIGN_COMMIT_PATTERN_BY_EVENT = {
    "pull_request_target": lazy_regex(r"github\.event\.pull_request\.(?:head\.sha|merge_commit_sha)", re.IGNORECASE),
    "workflow_run": lazy_regex(r"github\.event\.workflow_run\.(?:head_sha|head_commit\.id)", re.IGNORECASE),
    "issue_comment": _NEVER_MATCHES,
}
_FOREIGN_REPO_PATTERN_BY_EVENT = {
    "pull_request_target": lazy_regex(r"github\.event\.pull_request\.head\.(?:repo\b|user\.login|label)", re.IGNORECASE),
    "workflow_run": lazy_regex(r"github\.event\.workflow_run\.head_repository", re.IGNORECASE),
    "issue_comment": _NEVER_MATCHES,
}
_PULL_REQUEST_REF = lazy_regex(r"\bpull/(?![0-9]+/)[^/\s:]{1,200}/(?:head|merge)\b")
_PULL_REQUEST_PATCH_URL = lazy_regex(r"\.(?:patch_url|diff_url)\b|\bpull/[^/\s]{1,200}\.(?:diff|patch)\b")
_SHELL_VARIABLE = lazy_regex(r"\$\{?([A-Za-z_]\w{0,60})\}?")
_SHELL_ASSIGNMENT = lazy_regex(r"^[ \t]*(?:export[ \t]+)?([A-Za-z_]\w{0,60})=([^\n]{0,400})", re.MULTILINE)
_OUTPUT_REDIRECTION = lazy_regex(r"[ \t]{0,80}>[ \t]{0,80}([^\s|;&]{1,200})")
# The releases since which actions/checkout refuses the code of a fork under the two events:
# https://github.blog/changelog/2026-06-18-safer-pull_request_target-defaults-for-github-actions-checkout/
_FORK_REFUSING_RELEASE_BY_MAJOR = {2: (2, 8), 3: (3, 7), 4: (4, 4), 5: (5, 1), 6: (6, 1)}
_ACTION_VERSION = lazy_regex(r"v?([0-9]{1,4})(?:\.([0-9]{1,4}))?(?:\.[0-9]{1,4})?\Z")
_BASE_REPOSITORY_REF = lazy_regex(r"(?:main|master|develop|-|origin/\S{1,250})\Z|base\.(?:ref|sha)|github\.(?:sha|base_ref)")


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
        self.commit = _FOREIGN_COMMIT_PATTERN_BY_EVENT[event]
        self.repository = _FOREIGN_REPO_PATTERN_BY_EVENT[event]
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
        uses_reference = step.parsed_uses
        if uses_reference is not None and uses_reference.slug == "actions/checkout":
            self.follow_checkout(step)
            return
        for run_path in worktree.folders_run_by_action(step):
            self.mark_run(run_path, uses_reference.text.partition("@")[0] if uses_reference is not None else "")
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
        nearest_folder = max((f for f in self.folders if worktree.is_path_within_folder(path, f)), key=len, default=None)
        file_checkouts = [one for one in self.some if any(worktree.is_path_within_folder(path, file) for file in one.files)]
        folder_checkout = self.folders[nearest_folder] if nearest_folder is not None else None
        for checkout in [*file_checkouts, folder_checkout] if folder_checkout is not None else file_checkouts:
            if not checkout.run_by or checkout.run_chance < self.chance:
                checkout.run_by, checkout.run_chance = by_what, self.chance

    def follow_checkout(self, step: Step) -> None:
        """Take a step with actions/checkout."""
        checkout_inputs = step.with_inputs
        ref_input, repository_input = (str(checkout_inputs.get(key) or "") for key in ("ref", "repository"))
        checkout_folder = worktree.workspace_path("", str(checkout_inputs.get("path") or ""))
        if checkout_folder is None:
            return
        is_foreign_repository = self.is_repository(repository_input)
        if not is_foreign_repository and (not self.is_commit(ref_input) or (repository_input and "github.repo" not in repository_input)):
            self.folders[checkout_folder] = None
            return
        sparse_checkout = checkout_inputs.get("sparse-checkout")
        sparse_paths = [worktree.workspace_path(checkout_folder, line.strip().rstrip("/")) for line in str(sparse_checkout or "").split("\n")]
        input_span = checkout_inputs.at("ref" if self.is_commit(ref_input) or "repository" not in checkout_inputs else "repository")
        is_refused_by_action = self.event != "issue_comment" and _refuses_fork_code(step)
        self.add_foreign_code(step, input_span, checkout_folder, tuple(file for file in sparse_paths if file), is_refused_by_action)

    def is_commit(self, text: str) -> bool:
        """Whether a text names the commit of a pull request."""
        return any(self.commit.search(one) or _PULL_REQUEST_REF.search(one) for one in possible_texts_in_outsider_run(text, self.event))

    def is_repository(self, text: str) -> bool:
        """Whether a text names the repository that a pull request comes from."""
        return any(self.repository.search(one) for one in possible_texts_in_outsider_run(text, self.event))


def _refuses_fork_code(step: Step) -> bool:
    """Whether the release of actions/checkout refuses a fork's code: moving tags have moved on; a commit tells by its comment."""
    if str(step.with_inputs.get("allow-unsafe-pr-checkout")).lower() == "true":
        return False
    uses_reference = step.parsed_uses
    version_ref = uses_reference.ref if uses_reference is not None else ""
    if uses_reference is not None and uses_reference.is_pinned_to_commit:
        source_text = step.source.text
        uses_end = step.node.at("uses").end
        version_comment = re.match(r"[\"']?[ \t]*#[ \t]*(?:actions/checkout@|tag[=:][ \t]*)?(\S+)", source_text[uses_end : uses_end + 100])
        version_ref = version_comment[1] if version_comment else ""
    version_match = _ACTION_VERSION.match(version_ref)
    if version_match is None:
        return True
    major_version, minor_version = int(version_match[1]), version_match[2]
    if minor_version is None:
        return major_version > 1
    return (major_version, int(minor_version)) >= _FORK_REFUSING_RELEASE_BY_MAJOR.get(major_version, (7, 0))


class _ScriptTracker:
    """One pass over the commands of a step's script, with the working folder and the variables as they change."""

    def __init__(self, code_tracker: ForeignCodeTracker, step: Step, script: str) -> None:
        self.walk = code_tracker
        self.step = step
        self.script = script
        self.folder = worktree.start_folder_of_script(step)
        self.piped: dict[int, ForeignCheckout] = {}
        self.values = {name: one.raw_text.value for name, one in step.variables.items() if one.raw_text is not None}
        self.values |= {name: value.strip("\"'") for name, value in _SHELL_ASSIGNMENT.findall(script)}

    def follow_commands(self) -> None:
        """Record what each command of the script checks out and runs, in order."""
        for command in script_calls(self.script):
            if command.program in ("cd", "pushd"):
                self.folder = worktree.folder_after_cd(command, self.folder)
            elif command.program == "git":
                self.follow_git(command)
            elif command.program in ("gh", "hub"):
                self.follow_gh(command)
            elif command.program in ("curl", "wget"):
                self.walk.patched |= any(_PULL_REQUEST_PATCH_URL.search(self.expand_variables(word)) for word in command.words)
            elif command.pipeline_number in self.piped and program_property(command.program, "interpreter"):
                checkout = self.piped[command.pipeline_number]
                checkout.run_by, checkout.run_chance = f"`{command.program}`", self.walk.chance
            else:
                for run_path in worktree.paths_run_by_command(command, self.folder):
                    self.walk.mark_run(run_path, f"`{' '.join(command.text.split()[:2])[:40]}`")

    def expand_variables(self, word: str) -> str:
        """A word with the variables that are known put in, twice: one may hold another."""
        for _ in range(2):
            word = _SHELL_VARIABLE.sub(lambda match: self.values.get(match[1], match[0])[:400], word[:2000])
        return word

    def is_foreign(self, word: str) -> bool:
        """Whether a word names a commit, a ref, a remote or a repository of the pull request."""
        word = word.rpartition("=")[2] if word.startswith("--") else word
        expanded_word = self.expand_variables(word)
        revision_base = re.split(r"[~^:@]", word, maxsplit=1)[0]
        foreign_refs, foreign_remotes = self.walk.refs, self.walk.remotes
        is_known_foreign_name = (
            revision_base in foreign_refs or word in foreign_remotes or any(revision_base.startswith(f"{name}/") for name in foreign_remotes)
        )
        return is_known_foreign_name or self.walk.is_commit(expanded_word) or self.walk.is_repository(expanded_word)

    def add_foreign_code(self, call: ScriptCommand, folder: str | None, files: tuple[str, ...] = ()) -> ForeignCheckout | None:
        """Note foreign code that a command brings into a folder."""
        run_script = self.step.run_script
        if run_script is None or folder is None:
            return None
        return self.walk.add_foreign_code(self.step, run_script.span_of_line(call.start), folder, files)

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
        git_folder, arguments = self.folder, list(call.words)
        while arguments and arguments[0].startswith("-"):
            global_option = arguments.pop(0)
            if global_option in ("-C", "-c", "--git-dir", "--work-tree") and arguments:
                option_value = arguments.pop(0)
                git_folder = worktree.workspace_path(git_folder, self.expand_variables(option_value)) if global_option == "-C" else git_folder
        git_verb, arguments = (arguments[0], arguments[1:]) if arguments else ("", [])
        foreign_words = [word for word in arguments if self.is_foreign(word)]
        if git_verb == "remote" and arguments[:1] in (["add"], ["set-url"]) and foreign_words:
            remote_names = [word for word in arguments[1:] if not word.startswith("-")]
            self.walk.remotes.update(remote_names[:1])
        elif git_verb == "fetch":
            self.follow_fetch(foreign_words)
        elif git_verb in ("apply", "am") and (self.walk.patched or foreign_words):
            self.add_foreign_code(call, git_folder)
        elif git_verb == "clone" and foreign_words:
            self.add_foreign_code(call, self.clone_folder(arguments, foreign_words[0], git_folder))
        elif git_verb in ("show", "cat-file") and foreign_words:
            self.follow_show(call, git_folder)
        elif (
            git_verb in _REQUIRED_OPTIONS_BY_GIT_VERB
            and foreign_words
            and (not _REQUIRED_OPTIONS_BY_GIT_VERB[git_verb] or _REQUIRED_OPTIONS_BY_GIT_VERB[git_verb] & set(arguments))
        ):
            self.follow_change(call, git_verb, arguments, git_folder)
        elif git_verb in ("checkout", "switch") and git_folder is not None and self.is_return_to_base(arguments):
            self.walk.folders[git_folder] = None

    def clone_folder(self, words: list[str], url: str, folder: str | None) -> str | None:
        """The folder that a clone makes: the one that is named, else one called like the repository."""
        arguments_after_url = [word for word in words[words.index(url) + 1 :] if not word.startswith("-")]
        folder_name = arguments_after_url[0] if arguments_after_url else url.removesuffix(".git").rpartition("/")[2]
        return worktree.workspace_path(folder, folder_name)

    def is_return_to_base(self, words: list[str]) -> bool:
        """Whether a checkout is of a branch of the repository itself, as a whole."""
        return len(words) == 1 and _BASE_REPOSITORY_REF.search(self.expand_variables(words[0])) is not None

    def follow_fetch(self, foreign: list[str]) -> None:
        """Note what a fetch brings: no file changes."""
        self.walk.refs.discard("FETCH_HEAD")
        for foreign_word in foreign:
            self.walk.refs.add("FETCH_HEAD")
            source_ref, refspec_colon, target_ref = foreign_word.rpartition(":")
            if refspec_colon and not target_ref.startswith("//") and source_ref:
                local_ref = target_ref.removeprefix("refs/heads/").removeprefix("refs/remotes/")
                self.walk.refs |= {local_ref, self.expand_variables(local_ref)}

    def follow_show(self, call: ScriptCommand, folder: str | None) -> None:
        """Take a file that git prints: into another file, or into a shell."""
        output_redirection = _OUTPUT_REDIRECTION.match(self.script, call.end)
        output_path = worktree.workspace_path(folder, output_redirection[1].strip("\"'")) if output_redirection else None
        if output_path:
            self.add_foreign_code(call, folder, (output_path,))
        elif call.pipeline_number >= 0:
            checkout = self.add_foreign_code(call, folder, ("",))
            if checkout is not None:
                self.piped[call.pipeline_number] = checkout

    def follow_change(self, call: ScriptCommand, verb: str, words: list[str], folder: str | None) -> None:
        """Take a command that changes files of the working tree to those of a foreign commit."""
        if verb == "worktree":
            worktree_paths = [word for word in words[1:] if not word.startswith("-") and not self.is_foreign(word)]
            folder = worktree.workspace_path(folder, worktree_paths[-1]) if worktree_paths else folder
        changed_paths: list[str] = []
        if verb in ("checkout", "restore"):
            last_foreign_index = max(index for index, word in enumerate(words) if self.is_foreign(word))
            changed_paths = [word for word in words[last_foreign_index + 1 :] if word != "--" and not word.startswith("-")]
        workspace_paths = (worktree.workspace_path(folder, word.rstrip("/")) for word in changed_paths if word != ".")
        self.add_foreign_code(call, folder, tuple(path for path in workspace_paths if path))


# What changes the working tree, and the options that it takes for it to do so.
_REQUIRED_OPTIONS_BY_GIT_VERB: dict[str, frozenset[str]] = {
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

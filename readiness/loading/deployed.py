"""Which files a tree deploys, as its documents, scripts, pipelines and GitOps engines show.

That nothing speaks against a file is weak evidence: of 115 critical and high findings in files for which nothing here speaks, on 94
repositories at first sight, 91 were wrong (docs/severity.md). Nor is what a document alone applies or starts: documents of public
repositories tell outsiders how to try them (ADR 27).
"""

from __future__ import annotations

import posixpath
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from itertools import chain

from readiness.facts.compose_names import DEFAULT_COMPOSE_NAMES, DEFAULT_OVERRIDE_NAMES
from readiness.loading.deployment_texts import (
    APPLY_COMMAND,
    LineUse,
    has_compose_command,
    is_prose_path,
    may_tell_of_deployment,
    parts_of_names,
    paths_in_line,
    telling_lines,
    use_of_line,
)
from readiness.loading.discover import DiscoveredFiles
from readiness.loading.engine_objects import ENGINE_OBJECT, PATH_UNDER_ANY_KEY
from readiness.loading.engine_reach import EngineObject, EngineReach, reach_of_engines, reach_of_kustomizations
from readiness.loading.render import is_kustomization_path
from readiness.loading.scripts import scripts_among
from readiness.model import Source
from readiness.model.lazy_regex import lazy_regex
from readiness.model.memo import cached_property
from readiness.model.project import parent_folders
from readiness.model.records import dataclass

MAX_MENTIONS_PER_NAME = 256
"""Of one file or folder name in all texts: what names it more often shows no more."""
MAX_MENTION_LINES = 50_000
"""Of all texts together, in which paths are looked for."""

_NOTHING_TELLS = "nothing in the tree tells what is deployed"
_BUILD_COMMAND = lazy_regex(
    r"(?<![\w./-])(?:(?:docker|podman|nerdctl)\s+(?:image\s+|buildx\s+)?(?:build|bake)\b|buildah\s+(?:bud|build)\b)|docker/build-push-action@"
)
_BUILD_WORD_OR_KEY = lazy_regex(r"\b(?:build|bud)\b|^\s*(?:context|file|dockerfile)\s*:", re.IGNORECASE)
_FOLDER_OF_TESTS = lazy_regex(r"(?:^|/)(?:[\w.-]*[-_])?(?:tests?|testing|e2e|testdata|fixtures?|bench(?:marks?)?|specs?)(?:/|$)", re.IGNORECASE)
_PRODUCTION_NAME = lazy_regex(
    r"(?:^|/|(?<!pre)(?<!non)(?<!not)[._-])(?:(?:prod|prd|production)(?=[/._-]|$)(?![._-]like)|live(?=[/.]|$))", re.IGNORECASE
)
_PIPELINE_OR_ENGINE_PATH = lazy_regex(
    r"(?:^|/)(?:\.github/workflows/|\.gitlab-ci|\.gitlab/|\.circleci/|azure-pipelines|bitbucket-pipelines|Jenkinsfile|\.woodpecker|\.drone\.|\.doco-cd)"
)
# A text that shows how to try an example is no sign that anybody deploys it; an engine is.
_TRIAL_NAME = lazy_regex(
    r"(?:^|[/._-])(?:examples?|samples?|demos?|quick-?start|tutorials?|playground|sandbox|hack|local|dev|devel|development|contrib)(?=[/._-]|$)",
    re.IGNORECASE,
)
_RECURSIVE_OPTION = lazy_regex(r"(?<![\w-])(?:-R|--recursive)\b")
_THROWAWAY_CLUSTER = lazy_regex(r"\bkind\s+create\s+cluster\b|\bhelm/kind-action@|\bminikube\s+start\b|\bk3d\s+cluster\s+create\b|\bct\s+install\b")
_KINDS_THAT_DEPLOY_THEMSELVES = frozenset({"github", "gitlab", "dependabot", "nginx"})


@dataclass(frozen=True, slots=True)
class _Mention:
    """A path in a text: as it is written, where the text lies, and which text it is."""

    written_path: str
    text_folder: str
    text_path: str

    @property
    def path_from_text(self) -> str:
        """The path that is written, as seen from the text's own folder."""
        return posixpath.normpath(posixpath.join(self.text_folder, self.written_path))


def _is_called_production(path: str) -> bool:
    """Whether the name of a file or of a folder above says that it is production's, and none says tests, examples or development."""
    return bool(_PRODUCTION_NAME.search(path)) and not _TRIAL_NAME.search(path) and not _FOLDER_OF_TESTS.search(path)


class DeploymentEvidence:
    """What shows that files of a tree are deployed: worked out when it is first asked for, in time linear in the texts."""

    def __init__(self, discovered: DiscoveredFiles) -> None:
        self._discovered = discovered
        self._evidence_by_path: dict[str, str] = {}

    def evidence_for(self, path: str, kind: str) -> str:
        """What shows that a file of a kind is deployed, as words for people; empty where nothing does.

        Where no text of the tree tells how anything of its kind is deployed, all of it may be: that is told, too.
        """
        if is_prose_path(path) and path not in self._discovered.named_paths:
            return ""  # a snippet in a document shows how; whoever names the document asks about its snippets
        if self._discovered.context.cut:
            return "not all of the repository was read"
        if kind in _KINDS_THAT_DEPLOY_THEMSELVES:
            return f"{kind} files are read where they lie"
        if path not in self._evidence_by_path:
            self._evidence_by_path[path] = self._find_evidence(self._path_from_root(path), kind)
        return self._evidence_by_path[path]

    def shows_production(self, path: str, kind: str) -> bool:
        """Whether something shows that a file of a kind runs in production: its name, a GitOps engine or a pipeline that names it."""
        path_from_root = self._path_from_root(path)
        if _is_called_production(path_from_root):
            return True
        if kind == "k8s":
            return self._engine_reach.holds(path_from_root)
        if _TRIAL_NAME.search(path_from_root):
            return False
        folder = posixpath.dirname(path_from_root)
        mentions = [mention for mention, _ in self._mentions_of_file(path_from_root, folder, is_manifest=False)]
        if kind == "dockerfile" and not folder:
            mentions += self._mentions_by_use_and_name.get((LineUse.IMAGE, "."), ())  # a pipeline runs at the root
        return any(_PIPELINE_OR_ENGINE_PATH.search(one.text_path) for one in mentions)

    def passes_over(self, path: str, overlay_folders: Iterable[str]) -> bool:
        """Whether engines apply a file, and by none of some overlays of it."""
        return self._engine_reach.passes_over(self._path_from_root(path), map(self._path_from_root, overlay_folders))

    def _path_from_root(self, path: str) -> str:
        """A path as the walk tells it, from the root of the repository where the working directory lies in one."""
        return posixpath.normpath(posixpath.join(*self._discovered.context.here, path))

    def _find_evidence(self, path: str, kind: str) -> str:
        folder = posixpath.dirname(path)
        if _is_called_production(path):
            return "its name says production"
        if kind == "k8s":
            return self._evidence_for_manifest(path, folder)
        if kind == "dotenv":
            return self._evidence_for_environment_file(path, folder)
        if kind == "compose":
            return self._evidence_for_compose_file(path, folder)
        if kind == "dockerfile":
            return self._evidence_for_dockerfile(path, folder)
        return _NOTHING_TELLS

    def _evidence_for_dockerfile(self, path: str, folder: str) -> str:
        if not folder:
            return "the Dockerfile of the root"
        if not self._tells_of_builds:
            return _NOTHING_TELLS
        if self._has_variable_build:
            return "images are built from paths in variables"
        if folder in self._folders_named_as_here(LineUse.IMAGE) and not _TRIAL_NAME.search(path):
            return "a text beside it builds its directory"
        return self._mention_of(path, folder)

    def _evidence_for_manifest(self, path: str, folder: str) -> str:
        if not self._tells_of_manifests:
            return _NOTHING_TELLS
        if not self._chart_folders.isdisjoint(parent_folders(path)):
            return "a chart"
        if self._engine_reach.files or self._engine_reach.whole_folders:
            if self._engine_reach.holds(path):
                return "a GitOps engine applies it"
        elif self._kustomization_reach.holds(path):
            return "a kustomization that something applies lists it"
        return self._mention_of(path, folder, is_manifest=True)

    def _evidence_for_compose_file(self, path: str, folder: str) -> str:
        if not self._tells_of_compose:
            return _NOTHING_TELLS
        if self._is_taken_by_name(path):
            return "Compose takes it by its name"
        return self._mention_of(path, folder)

    def _is_taken_by_name(self, path: str) -> bool:
        """Whether a command that starts a compose file takes one by its name: at the root, or beside a script or pipeline with such a command."""
        folder, file_name = posixpath.split(path)
        is_beside_command = not folder or folder in self._folders_with_compose_command
        return is_beside_command and file_name in DEFAULT_COMPOSE_NAMES | DEFAULT_OVERRIDE_NAMES and not _TRIAL_NAME.search(path)

    def _evidence_for_environment_file(self, path: str, folder: str) -> str:
        if mention := self._mention_of(path, ""):
            return mention
        compose_paths = self._compose_paths_by_folder.get(folder, ())
        return next((evidence for one in compose_paths if (evidence := self.evidence_for(one, "compose"))), "")

    def _mention_of(self, path: str, folder: str, *, is_manifest: bool = False) -> str:
        """The text that names a file, or its folder, where it applies, starts or builds something; no sign for an example.

        What only puts a manifest into an image applies nothing; kustomizations and compose files do only where something applies or starts them.
        """
        if _TRIAL_NAME.search(path):
            return ""
        if not self._folders_applied_whole.isdisjoint(parent_folders(path)):
            return "a text names a directory above it, with all that it holds"
        for mention, named_thing in self._mentions_of_file(path, folder, is_manifest=is_manifest):
            is_started_itself = mention.text_path not in self._compose_paths or self._is_compose_file_started(self._path_from_root(mention.text_path))
            if is_started_itself and not is_kustomization_path(mention.text_path):
                return f"{mention.text_path} names {named_thing}"
        if is_manifest and folder in self._folders_named_as_here(LineUse.APPLIES):
            return "a text beside it applies its directory"
        return ""

    def _is_compose_file_started(self, path: str) -> bool:
        """Whether something starts a compose file, itself or in another one that names it."""
        if not self._tells_of_compose:
            return True
        waiting_paths, seen_paths = [path], {path}
        while waiting_paths:
            compose_path = waiting_paths.pop()
            if self._is_taken_by_name(compose_path) or _is_called_production(compose_path):
                return True
            for mention, _ in self._mentions_of_file(compose_path, posixpath.dirname(compose_path), is_manifest=False):
                if mention.text_path not in self._compose_paths:
                    return True
                naming_path = self._path_from_root(mention.text_path)
                if naming_path not in seen_paths:
                    seen_paths.add(naming_path)
                    waiting_paths.append(naming_path)
        return False

    def _mentions_of_file(self, path: str, folder: str, *, is_manifest: bool) -> Iterator[tuple[_Mention, str]]:
        """The mentions of a file and of its folder, with the word for what each of them names."""
        for mention in self._mentions_of_name(posixpath.basename(path), is_manifest=is_manifest):
            if self._is_mention_of(mention, path):
                yield mention, "it"
        for mention in self._mentions_of_name(posixpath.basename(folder), is_manifest=is_manifest) if folder else ():
            if folder in (mention.written_path, mention.path_from_text):
                yield mention, "its directory"

    def _mentions_of_name(self, name: str, *, is_manifest: bool) -> Iterable[_Mention]:
        uses = [one for one in LineUse if one is not LineUse.IMAGE or not is_manifest]
        return chain.from_iterable(self._mentions_by_use_and_name.get((use, name), ()) for use in uses)

    def _is_mention_of(self, mention: _Mention, path: str) -> bool:
        """Whether a mention is of a path; one that leads to a file from its own text is of that file alone."""
        written_path = mention.written_path
        if path == mention.path_from_text:
            return True
        if mention.path_from_text in self._paths_from_root:
            return False
        if path == written_path:
            return True
        if "/" in written_path:
            return path.endswith(f"/{written_path.lstrip('./')}")
        is_in_same_role = posixpath.dirname(mention.text_folder) == posixpath.dirname(posixpath.dirname(path)) != ""  # tasks/ and files/ of Ansible
        return is_in_same_role or self._path_count_by_file_name[written_path] == 1

    @property
    def _prose_sources(self) -> tuple[Source, ...]:
        return (*self._discovered.prose_sources, *self._discovered.prose_sources_around)

    @cached_property
    def _telling_texts(self) -> tuple[Source, ...]:
        """The texts that may tell: not tests, nor what makes a cluster to throw away, nor manifests but for engines."""
        candidates = [*self._prose_sources, *scripts_among(self._discovered.script_sources, self._discovered.sources)]
        candidate_ids = {id(one) for one in candidates}
        candidates += [one for one in self._discovered.sources if id(one) not in candidate_ids and may_tell_of_deployment(one)]
        return tuple(
            one
            for one in candidates
            if not _FOLDER_OF_TESTS.search(one.path) and (is_prose_path(one.path) or not _THROWAWAY_CLUSTER.search(one.text))
        )

    @cached_property
    def _telling_programs(self) -> tuple[Source, ...]:
        """The telling texts that are no documents for people: what they apply, start or build is deployed."""
        return tuple(one for one in self._telling_texts if not is_prose_path(one.path))

    @cached_property
    def _mentions_by_use_and_name(self) -> dict[tuple[LineUse, str], list[_Mention]]:
        """The paths in the lines that apply, start or build, by what a line does with them, and by the name that each path ends in."""
        mentions: dict[tuple[LineUse, str], list[_Mention]] = defaultdict(list)
        remaining_line_count = MAX_MENTION_LINES
        for telling_text in self._telling_programs:
            text_folder = posixpath.dirname(self._path_from_root(telling_text.path))
            for line in telling_lines(telling_text, self._parts_of_names):
                remaining_line_count -= 1
                if remaining_line_count < 0:
                    return mentions
                line_use = use_of_line(line, telling_text.path)
                for written_path in paths_in_line(line):
                    mentions_of_name = mentions[line_use, posixpath.basename(written_path)]
                    if len(mentions_of_name) < MAX_MENTIONS_PER_NAME:
                        mentions_of_name.append(_Mention(written_path, text_folder, telling_text.path))
        return mentions

    @cached_property
    def _folders_applied_whole(self) -> frozenset[str]:
        """The folders that a command applies with all that is in them."""
        folders = set[str]()
        for telling_text in self._telling_programs:
            if not (("-R" in telling_text.text or "--recursive" in telling_text.text) and _RECURSIVE_OPTION.search(telling_text.text)):
                continue
            text_folder = posixpath.dirname(self._path_from_root(telling_text.path))
            for line in telling_lines(telling_text, self._parts_of_names):
                if _RECURSIVE_OPTION.search(line) and APPLY_COMMAND.search(line):
                    for written_path in paths_in_line(line):
                        folders.update((written_path, posixpath.normpath(posixpath.join(text_folder, written_path))))
        return frozenset(folders - {"."})

    def _folders_named_as_here(self, use: LineUse) -> frozenset[str]:
        """The folders of texts of which a line of a use names `.`."""
        return frozenset(one.text_folder for one in self._mentions_by_use_and_name.get((use, "."), ()))

    @cached_property
    def _folders_with_compose_command(self) -> frozenset[str]:
        """The folders of the programs that start a compose file."""
        return frozenset(posixpath.dirname(self._path_from_root(one.path)) for one in self._telling_programs if has_compose_command(one))

    @cached_property
    def _tells_of_compose(self) -> bool:
        return any(map(has_compose_command, self._telling_texts))

    @cached_property
    def _tells_of_builds(self) -> bool:
        return any(_BUILD_COMMAND.search(one.text) for one in self._telling_texts)

    @cached_property
    def _has_variable_build(self) -> bool:
        return any(
            "$" in line and _BUILD_WORD_OR_KEY.search(line)
            for one in self._telling_programs
            if _BUILD_COMMAND.search(one.text)
            for line in one.text.splitlines()
        )

    @cached_property
    def _tells_of_manifests(self) -> bool:
        """Whether anything tells how manifests are applied; that tests alone apply some tells something, too."""
        all_texts = (*self._prose_sources, *self._discovered.script_sources, *self._discovered.sources)
        return bool(self._engine_objects) or any(APPLY_COMMAND.search(one.text.replace("\\\n", " ")) for one in all_texts)

    @cached_property
    def _engine_objects(self) -> tuple[EngineObject, ...]:
        """The objects by which Flux, Argo CD or Fleet are told what to apply; those of tests and examples tell nothing."""
        engine_sources = (one for one in self._discovered.sources if ENGINE_OBJECT.search(one.text))
        objects = []
        for source in engine_sources:
            path = self._path_from_root(source.path)
            folders = tuple(dict.fromkeys(posixpath.normpath(one) for one in PATH_UNDER_ANY_KEY.findall(source.text) if one.strip("./")))
            if folders and not _FOLDER_OF_TESTS.search(path) and not _TRIAL_NAME.search(path):
                objects.append(EngineObject(path, folders))
        return tuple(objects)

    @cached_property
    def _engine_reach(self) -> EngineReach:
        """What engines apply, and people by hand with a kustomization that a text names."""
        if not self._engine_objects:
            return EngineReach(frozenset(), frozenset())
        named_folders = [one for one in self._kustomization_text_by_folder if one and self._is_kustomization_applied(one)]
        return reach_of_engines(self._engine_objects, named_folders, self._kustomization_text_by_folder, self._paths_from_root)

    @cached_property
    def _kustomization_reach(self) -> EngineReach:
        """What is applied by the kustomizations that are, along those that they take in."""
        applied_folders = [one for one in self._kustomization_text_by_folder if self._is_kustomization_applied(one) or _is_called_production(one)]
        return reach_of_kustomizations(applied_folders, self._kustomization_text_by_folder, self._paths_from_root)

    def _is_kustomization_applied(self, folder: str) -> bool:
        return bool(self._mention_of(posixpath.join(folder, "kustomization.yaml"), folder, is_manifest=True))

    @cached_property
    def _kustomization_text_by_folder(self) -> dict[str, str]:
        text_by_folder: dict[str, str] = {}
        for source in self._discovered.sources:
            if is_kustomization_path(source.path):
                folder = posixpath.dirname(self._path_from_root(source.path))
                text_by_folder[folder] = f"{text_by_folder.get(folder, '')}{source.text}\n"
        return text_by_folder

    @cached_property
    def _chart_folders(self) -> frozenset[str]:
        return frozenset(posixpath.dirname(self._path_from_root(one)) for one in self._discovered.paths if posixpath.basename(one) == "Chart.yaml")

    @cached_property
    def _compose_paths(self) -> frozenset[str]:
        return frozenset(one for one in self._discovered.paths if "compose" in posixpath.basename(one) and one.endswith((".yaml", ".yml")))

    @cached_property
    def _compose_paths_by_folder(self) -> dict[str, list[str]]:
        compose_paths_by_folder: dict[str, list[str]] = defaultdict(list)
        for path in sorted(self._compose_paths):
            compose_paths_by_folder[posixpath.dirname(self._path_from_root(path))].append(path)
        return compose_paths_by_folder

    @cached_property
    def _paths_from_root(self) -> frozenset[str]:
        return frozenset(map(self._path_from_root, self._discovered.paths))

    @cached_property
    def _parts_of_names(self) -> frozenset[str]:
        """Parts of the names of all files and folders, and what stands for the folder of a text: a line with none of them tells of nothing here."""
        paths = {*self._paths_from_root, *(self._path_from_root(one.path) for one in self._discovered.sources)}
        folders = {folder for path in paths for folder in parent_folders(path)}
        return parts_of_names({".", "..", *map(posixpath.basename, paths), *map(posixpath.basename, folders)})

    @cached_property
    def _path_count_by_file_name(self) -> Counter[str]:
        return Counter(map(posixpath.basename, self._discovered.paths))

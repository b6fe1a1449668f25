"""Which files a tree deploys, as its documents, scripts, pipelines and GitOps engines show.

That nothing speaks against a file is weak evidence: of 115 critical and high findings in files for which nothing here speaks, on 94
repositories at first sight, 91 were wrong (docs/severity.md).
"""

from __future__ import annotations

import posixpath
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator

from readiness.loading.discover import PROSE_SUFFIXES, DiscoveredFiles
from readiness.loading.engine_reach import EngineObject, EngineReach, reach_of_engines
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
MAX_LINE_CHARACTERS = 4_000
"""A longer line is data in one piece (JSON, a certificate) and tells nobody what to run."""

_NOTHING_TELLS = "nothing in the tree tells what is deployed"
_APPLY_PROGRAMS = r"kubectl|oc|kustomize|kapp|helm|helmfile|flux|argocd|skaffold|envsubst|tanka|ytt"
_CONTAINER_PROGRAMS = r"docker|docker-compose|podman|podman-compose|nerdctl|buildah|buildx|kaniko"
_COMMAND_WORD = lazy_regex(rf"(?<![\w./-])(?:{_APPLY_PROGRAMS}|{_CONTAINER_PROGRAMS}|cd|cp|cat|sed)(?=[\s\"'`]|$)")
_APPLY_COMMAND = lazy_regex(
    r"(?<![\w./-])(?:kubectl|oc)\s[^\n]{0,120}?\b(?:apply|create|replace|process)\b|(?<![\w./-])(?:kustomize\s+build|kapp\s+deploy|skaffold\s+\w)"
)
_COMPOSE_COMMAND = lazy_regex(r"(?<![\w./-])(?:(?:docker|podman|nerdctl)[ -]compose\b|docker\s+stack\s+deploy\b)")
_BUILD_COMMAND = lazy_regex(
    r"(?<![\w./-])(?:(?:docker|podman|nerdctl)\s+(?:image\s+|buildx\s+)?(?:build|bake)\b|buildah\s+(?:bud|build)\b)|docker/build-push-action@"
)
_BUILD_WORD_OR_KEY = lazy_regex(r"\b(?:build|bud)\b|^\s*(?:context|file|dockerfile)\s*:", re.IGNORECASE)
_VERB_OF_PROSE = lazy_regex(
    r"(?<![\w./-])(?:appl(?:y|ies|ied|ying)|deploy|install|start|run|use|launch|execute)(?:s|ed|ing|ning)?(?![\w/-]|\.\w)", re.IGNORECASE
)
_KEY_OF_PATHS = lazy_regex(
    r"(?:^|[\s{,-])[\"']?(?:file|files|context|dockerfile|manifests?|path|src|project_src|project_directory|build|chart|env_file|extends|include"
    r"|stack-?file|compose-?files?|COMPOSE_FILE|resources|bases|rawYaml|definition)[\"']?\s*[:=]",
    re.IGNORECASE,
)
_LIST_ITEM_WITH_PATH = lazy_regex(r"^\s*-\s+[\"']?[\w./-]+\.(?:ya?ml|env|conf)\b")
_COMMENT_AFTER_CODE = lazy_regex(r"(?<=[^\s#])[ \t]{1,8}#{1,2}[ \t]")
_COPY_INSTRUCTION = lazy_regex(r"^\s*(?:COPY|ADD)\s", re.IGNORECASE)
# What stands before a bare word that is a path (`-f deploy`, `cd deploy`, `build deploy`), and after one (`the deploy directory`).
_BEFORE_PATH = lazy_regex(r"(?:(?<![\w-])--?[A-Za-z][\w-]{0,30}[= ]|[`\"'(=]|(?<![\w-])(?:cd|build|cat|cp)[ ])\Z")
_AFTER_PATH = lazy_regex(r"[`\"')]?[ ](?:director(?:y|ies)|folders?)\b")
_MAX_CHARACTERS_BEFORE_PATH = 40
_VERB = lazy_regex(r"(?:apply|build|deploy|execute|install|launch|run|start|test|use)", re.IGNORECASE)
_PATH_WORD = lazy_regex(r"[\w.@+*-]*(?:/[\w.@+*-]+)*/?")
_FOLDER_OF_TESTS = lazy_regex(r"(?:^|/)(?:[\w.-]*[-_])?(?:tests?|testing|e2e|testdata|fixtures?|bench(?:marks?)?|specs?)(?:/|$)", re.IGNORECASE)
# A text that shows how to try an example is no sign that anybody deploys it; an engine is.
_TRIAL_NAME = lazy_regex(
    r"(?:^|[/._-])(?:examples?|samples?|demos?|quick-?start|tutorials?|playground|sandbox|hack|local|dev|devel|development|contrib)(?=[/._-]|$)",
    re.IGNORECASE,
)
_RECURSIVE_OPTION = lazy_regex(r"(?<![\w-])(?:-R|--recursive)\b")
_THROWAWAY_CLUSTER = lazy_regex(r"\bkind\s+create\s+cluster\b|\bhelm/kind-action@|\bminikube\s+start\b|\bk3d\s+cluster\s+create\b|\bct\s+install\b")
_MANIFEST = lazy_regex(r"^apiVersion:", re.MULTILINE)
_ENGINE_OBJECT = lazy_regex(
    r"^apiVersion:[ ]?[\"']?(?:kustomize\.toolkit\.fluxcd\.io|argoproj\.io/v1alpha1[\"']?\s+kind:[ ]?[\"']?Application(?:Set)?\b|fleet\.cattle\.io)",
    re.MULTILINE,
)
_ENGINE_PATH = lazy_regex(r"(?:^|[\s{,-])(?:path|directory|include):[ ]?[\"']?(?:\./|/)?([\w./-]{1,300})?", re.MULTILINE)
_DEFAULT_COMPOSE_NAME = lazy_regex(r"(?:docker-)?compose(?:\.override)?\.ya?ml")
_DOCKERFILE_NAME = lazy_regex(r"(?:Dockerfile|Containerfile)(?:\.[\w.-]+)?|[\w.-]+\.(?:Dockerfile|dockerfile)")
_KINDS_THAT_DEPLOY_THEMSELVES = frozenset({"github", "gitlab", "dependabot", "nginx"})


@dataclass(frozen=True, slots=True)
class _Mention:
    """A path in a text: as it is written, where the text lies, and which text it is."""

    written_path: str
    text_folder: str
    text_path: str


class DeploymentEvidence:
    """What shows that files of a tree are deployed: worked out when it is first asked for, in time linear in the texts."""

    def __init__(self, discovered: DiscoveredFiles) -> None:
        self._discovered = discovered
        self._evidence_by_path: dict[str, str] = {}

    def evidence_for(self, path: str, kind: str) -> str:
        """What shows that a file of a kind is deployed, as words for people; empty where nothing does.

        Where no text of the tree tells how anything of its kind is deployed, all of it may be: that is told, too.
        """
        if self._discovered.context.cut:
            return "not all of the repository was read"
        if kind in _KINDS_THAT_DEPLOY_THEMSELVES:
            return f"{kind} files are read where they lie"
        if path not in self._evidence_by_path:
            self._evidence_by_path[path] = self._find_evidence(self._path_from_root(path), kind)
        return self._evidence_by_path[path]

    def _path_from_root(self, path: str) -> str:
        """A path as the walk tells it, from the root of the repository where the working directory lies in one."""
        return posixpath.normpath(posixpath.join(*self._discovered.context.here, path))

    def _find_evidence(self, path: str, kind: str) -> str:
        folder, file_name = posixpath.split(path)
        if kind == "k8s":
            return self._evidence_for_manifest(path, folder, file_name)
        if kind == "dotenv":
            return self._evidence_for_environment_file(path, folder)
        if kind == "compose":
            return self._evidence_for_compose_file(path, folder, file_name)
        if kind == "dockerfile":
            return self._evidence_for_dockerfile(path, folder)
        return _NOTHING_TELLS

    def _evidence_for_dockerfile(self, path: str, folder: str) -> str:
        if not folder:
            return "the Dockerfile of the root"
        if not self._tells_of_builds:
            return _NOTHING_TELLS
        return "images are built from paths in variables" if self._has_variable_build else self._mention_of(path, folder)

    def _evidence_for_manifest(self, path: str, folder: str, file_name: str) -> str:
        if not self._tells_of_manifests:
            return _NOTHING_TELLS
        if not self._chart_folders.isdisjoint(parent_folders(path)):
            return "a chart"
        if self._engine_reach.files or self._engine_reach.whole_folders:
            return "a GitOps engine applies it" if self._engine_reach.holds(path) else self._mention_of(path, folder, by_kustomizations=False)
        for kustomization in self._kustomizations_by_folder.get(folder, ()):
            if file_name in kustomization.text:
                return f"{kustomization.path} lists it"
        return self._mention_of(path, folder)

    def _evidence_for_compose_file(self, path: str, folder: str, file_name: str) -> str:
        if not self._folders_with_compose_command:
            return _NOTHING_TELLS
        if (
            _DEFAULT_COMPOSE_NAME.fullmatch(file_name)
            and not _TRIAL_NAME.search(path)
            and (not folder or folder in self._folders_with_compose_command)
        ):
            return "Compose takes it by its name"
        return self._mention_of(path, folder)

    def _evidence_for_environment_file(self, path: str, folder: str) -> str:
        if mention := self._mention_of(path, ""):
            return mention
        compose_paths = self._compose_paths_by_folder.get(folder, ())
        return next((evidence for one in compose_paths if (evidence := self.evidence_for(one, "compose"))), "")

    def _mention_of(self, path: str, folder: str, *, by_kustomizations: bool = True) -> str:
        """The text that names a file, or its folder, where it applies, starts or builds something; no sign for an example.

        Where engines apply a tree, a kustomization that none of them comes to shows nothing.
        """
        if _TRIAL_NAME.search(path):
            return ""
        if not self._folders_applied_whole.isdisjoint(parent_folders(path)):
            return "a text names a directory above it, with all that it holds"
        for mention in self._mentions_by_name.get(posixpath.basename(path), ()):
            if self._is_mention_of(mention, path) and (by_kustomizations or not is_kustomization_path(mention.text_path)):
                return f"{mention.text_path} names it"
        for mention in self._mentions_by_name.get(posixpath.basename(folder), ()) if folder else ():
            written_folder = mention.written_path
            is_of_folder = folder in (written_folder, posixpath.normpath(posixpath.join(mention.text_folder, written_folder)))
            if is_of_folder and (by_kustomizations or not is_kustomization_path(mention.text_path)):
                return f"{mention.text_path} names its directory"
        if folder in self._folders_named_as_here:
            return "a text beside it names its directory"
        return ""

    def _is_mention_of(self, mention: _Mention, path: str) -> bool:
        written_path = mention.written_path
        if path in (written_path, posixpath.normpath(posixpath.join(mention.text_folder, written_path))):
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
        candidates += [one for one in self._discovered.sources if id(one) not in candidate_ids and _may_tell(one)]
        return tuple(
            one for one in candidates if not _FOLDER_OF_TESTS.search(one.path) and (_is_prose(one.path) or not _THROWAWAY_CLUSTER.search(one.text))
        )

    @cached_property
    def _mentions_by_name(self) -> dict[str, list[_Mention]]:
        """The paths in the lines that apply, start or build, by the name of the file or folder that each ends in."""
        mentions_by_name: dict[str, list[_Mention]] = defaultdict(list)
        remaining_line_count = MAX_MENTION_LINES
        for telling_text in self._telling_texts:
            text_folder, is_prose = posixpath.dirname(self._path_from_root(telling_text.path)), _is_prose(telling_text.path)
            for line in _telling_lines(telling_text):
                remaining_line_count -= 1
                if remaining_line_count < 0:
                    return mentions_by_name
                for written_path in _paths_in_line(line, is_prose=is_prose):
                    mentions = mentions_by_name[posixpath.basename(written_path)]
                    if len(mentions) < MAX_MENTIONS_PER_NAME:
                        mentions.append(_Mention(written_path, text_folder, telling_text.path))
        return mentions_by_name

    @cached_property
    def _folders_applied_whole(self) -> frozenset[str]:
        """The folders that a command applies with all that is in them."""
        folders = set[str]()
        for telling_text in self._telling_texts:
            if not _RECURSIVE_OPTION.search(telling_text.text):
                continue
            text_folder = posixpath.dirname(self._path_from_root(telling_text.path))
            for line in _telling_lines(telling_text):
                if _RECURSIVE_OPTION.search(line) and _APPLY_COMMAND.search(line):
                    for written_path in _paths_in_line(line, is_prose=_is_prose(telling_text.path)):
                        folders.update((written_path, posixpath.normpath(posixpath.join(text_folder, written_path))))
        return frozenset(folders - {"."})

    @cached_property
    def _folders_named_as_here(self) -> frozenset[str]:
        """The folders of texts that apply or build `.`."""
        return frozenset(one.text_folder for one in self._mentions_by_name.get(".", ()))

    @cached_property
    def _folders_with_compose_command(self) -> frozenset[str]:
        """The folders of texts that start a compose file."""
        return frozenset(posixpath.dirname(self._path_from_root(one.path)) for one in self._telling_texts if _COMPOSE_COMMAND.search(one.text))

    @cached_property
    def _tells_of_builds(self) -> bool:
        return any(_BUILD_COMMAND.search(one.text) for one in self._telling_texts)

    @cached_property
    def _has_variable_build(self) -> bool:
        return any(
            "$" in line and _BUILD_WORD_OR_KEY.search(line)
            for one in self._telling_texts
            if _BUILD_COMMAND.search(one.text)
            for line in one.text.splitlines()
        )

    @cached_property
    def _tells_of_manifests(self) -> bool:
        """Whether anything tells how manifests are applied; that tests alone apply some tells something, too."""
        all_texts = (*self._prose_sources, *self._discovered.script_sources, *self._discovered.sources)
        return bool(self._engine_objects) or any(_APPLY_COMMAND.search(one.text.replace("\\\n", " ")) for one in all_texts)

    @cached_property
    def _engine_objects(self) -> tuple[EngineObject, ...]:
        """The objects by which Flux, Argo CD or Fleet are told what to apply; those of tests and examples tell nothing."""
        engine_sources = (one for one in self._discovered.sources if _ENGINE_OBJECT.search(one.text))
        objects = []
        for source in engine_sources:
            path = self._path_from_root(source.path)
            folders = tuple(dict.fromkeys(posixpath.normpath(one) for one in _ENGINE_PATH.findall(source.text) if one.strip("./")))
            if folders and not _FOLDER_OF_TESTS.search(path) and not _TRIAL_NAME.search(path):
                objects.append(EngineObject(path, folders))
        return tuple(objects)

    @cached_property
    def _engine_reach(self) -> EngineReach:
        """What engines apply, and people by hand with a kustomization that a text names."""
        if not self._engine_objects:
            return EngineReach(frozenset(), frozenset())
        text_by_folder = {folder: "\n".join(one.text for one in sources) for folder, sources in self._kustomizations_by_folder.items()}
        named_folders = [one for one in text_by_folder if one and self._mention_of(f"{one}/kustomization.yaml", one, by_kustomizations=False)]
        paths = [self._path_from_root(one) for one in self._discovered.paths]
        return reach_of_engines(self._engine_objects, named_folders, text_by_folder, paths)

    @cached_property
    def _kustomizations_by_folder(self) -> dict[str, list[Source]]:
        kustomizations_by_folder: dict[str, list[Source]] = defaultdict(list)
        for source in self._discovered.sources:
            if is_kustomization_path(source.path):
                kustomizations_by_folder[posixpath.dirname(self._path_from_root(source.path))].append(source)
        return kustomizations_by_folder

    @cached_property
    def _chart_folders(self) -> frozenset[str]:
        return frozenset(posixpath.dirname(self._path_from_root(one)) for one in self._discovered.paths if posixpath.basename(one) == "Chart.yaml")

    @cached_property
    def _compose_paths_by_folder(self) -> dict[str, list[str]]:
        compose_paths_by_folder: dict[str, list[str]] = defaultdict(list)
        for path in sorted(self._discovered.paths):
            if "compose" in posixpath.basename(path) and path.endswith((".yaml", ".yml")):
                compose_paths_by_folder[posixpath.dirname(self._path_from_root(path))].append(path)
        return compose_paths_by_folder

    @cached_property
    def _path_count_by_file_name(self) -> Counter[str]:
        return Counter(map(posixpath.basename, self._discovered.paths))


def _may_tell(source: Source) -> bool:
    """Whether a text may say what is deployed: manifests do not, but for kustomizations."""
    return is_kustomization_path(source.path) or not _MANIFEST.search(source.text)


def _is_prose(path: str) -> bool:
    return path.lower().endswith(PROSE_SUFFIXES)


def _telling_lines(telling_text: Source) -> Iterator[str]:
    """The lines of a text that may apply, start or build a file, those that go on put together."""
    is_prose = _is_prose(telling_text.path)
    is_kustomization = is_kustomization_path(telling_text.path)
    is_dockerfile = bool(_DOCKERFILE_NAME.fullmatch(posixpath.basename(telling_text.path)))
    for line in telling_text.text.replace("\\\r\n", " ").replace("\\\n", " ").splitlines():
        if len(line) <= MAX_LINE_CHARACTERS and (
            is_kustomization
            or _COMMAND_WORD.search(line)
            or (is_prose and _VERB_OF_PROSE.search(line))
            or (is_dockerfile and _COPY_INSTRUCTION.match(line))
            or (not is_prose and (_KEY_OF_PATHS.search(line) or _LIST_ITEM_WITH_PATH.match(line)))
        ):
            yield line if is_prose else _COMMENT_AFTER_CODE.split(line, maxsplit=1)[0]


def _paths_in_line(line: str, *, is_prose: bool) -> Iterable[str]:
    """The words of a line that may be paths, normalised; `.` for the folder of the text."""
    for match in _PATH_WORD.finditer(line):
        word = match[0]
        if word.isalnum() and not _is_bare_word_a_path(line, match.span(), is_prose=is_prose):
            continue
        path = word.split("*", 1)[0].rstrip("/")
        if not path.strip("."):
            path = "." if path == "." else ""  # `..` and an ellipsis name nothing that is looked up
        if path.strip("/"):
            yield posixpath.normpath(path.strip("/") if path == "." else path.lstrip("/").rstrip("."))


def _is_bare_word_a_path(line: str, word_edges: tuple[int, int], *, is_prose: bool) -> bool:
    """Whether a word without a slash or a dot names a directory: in prose `deploy` and `production` mostly are no more than words.

    In prose something has to say that a path comes, or the word ends a command; elsewhere that is asked of verbs alone.
    """
    word_start, word_end = word_edges
    text_before = line[max(0, word_start - _MAX_CHARACTERS_BEFORE_PATH) : word_start]
    if _BEFORE_PATH.search(text_before) or (is_prose and _AFTER_PATH.match(line, word_end)):
        return True
    if not is_prose:
        return not _VERB.fullmatch(line, word_start, word_end) or bool(_KEY_OF_PATHS.search(text_before))
    return not line[word_end:].strip() and bool(_COMMAND_WORD.match(line.lstrip("$#> \t")))

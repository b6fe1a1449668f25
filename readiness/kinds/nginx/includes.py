"""How nginx files hang together: what `include` brings in, and which value is in force in a block.

Included directives keep their own source. A file that nobody includes, but that an `include` of a main file near it
would match on the server, is judged as if that file included it.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, TypeVar

from readiness.kinds.nginx import Document
from readiness.kinds.nginx.homes import containers_of_configurations
from readiness.model.project import Project
from readiness.syntax import glob
from readiness.syntax.holes import has_variable
from readiness.syntax.nginx import NON_INHERITED_DIRECTIVES, Block, Directive
from readiness.syntax.nginx_heads import DATA_BLOCK_NAMES

_NGINX_CONFIG_PREFIX = re.compile(
    r"^(?:/etc/nginx|/usr/local/(?:etc/)?nginx(?:/conf)?|/usr/local/openresty/nginx/conf|/opt/(?:bitnami/)?nginx/conf)/"
)
_STOCK_FILE = re.compile(
    r"(?:^|/)(?:mime\.types|(?:fastcgi|scgi|uwsgi)(?:_params|\.conf)|koi-(?:utf|win)|win-utf|naxsi[\w.-]*|modules(?:-enabled)?/\*(?:\.conf)?)$"
)
"""Files of the packages that set none of what rules look for."""
_MAX_INCLUDE_DEPTH = 20
_MAX_LEVELS = 300
_MAX_FILES_PER_INCLUDE = 5000
_MAX_DIRECTIVES = 200_000


T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ContextLevel:
    """The directives of one block with what its includes bring in: in order, by name, and the place of each in the order."""

    directives: list[Directive]
    by_name: dict[str, list[Directive]]
    position_by_directive_id: dict[int, int]


@dataclass(slots=True)
class IncludeTree:
    """Includes resolved: what each brings in, those that could not be followed, and who includes a file.

    `incomplete_main_files` are the main files of which some part is not in sight, `guessed_part_paths` the paths of files of
    which nothing but a lost include says that they belong to a main file.
    """

    blocks_by_include_id: dict[int, tuple[Block, ...]] = field(default_factory=dict)
    unresolved_include_ids: set[int] = field(default_factory=set)
    including_block_by_id: dict[int, Block] = field(default_factory=dict)
    level_by_block_id: dict[int, ContextLevel] = field(default_factory=dict)
    block_by_path: dict[str, Block] = field(default_factory=dict)
    cached_results: dict[tuple[Any, int], Any] = field(default_factory=dict)
    incomplete_main_files: list[Document] = field(default_factory=list)
    guessed_part_paths: set[str] = field(default_factory=set)


def include_tree(project: Project) -> IncludeTree:
    """The includes of all nginx files of the project, resolved once a run."""
    return project.memoize(_build_tree)


def _build_tree(project: Project) -> IncludeTree:
    include_tree = IncludeTree()
    documents: list[Document] = project.documents_of_kind("nginx")
    for document in documents:
        if document.source.parent is None:
            include_tree.block_by_path.update({posixpath.normpath(path): block for path, block in document.sections[:1]})
    for document in sorted(documents, key=lambda one: (not _is_main(one), one.source.path)):
        local = dict(document.sections) if len(document.sections) > 1 else {}
        base = posixpath.dirname(document.source.path)
        for directive in document.walk_directives():
            if directive.name == "include" and directive.args:
                _resolve_include(include_tree, project, directive, base, local)
    for document in documents:
        _guess_including_block(include_tree, project, document)
    include_tree.unresolved_include_ids -= include_tree.blocks_by_include_id.keys()
    include_tree.incomplete_main_files = [one for one in documents if _is_main(one) and _has_parts_elsewhere(include_tree, one)]
    return include_tree


def _has_parts_elsewhere(include_tree: IncludeTree, document: Document) -> bool:
    """Whether something that a file includes, or that another program puts in, is not in sight."""
    return any(id(d) in include_tree.unresolved_include_ids or d.is_directives_placeholder for d in document.walk_directives())


def _is_main(document: Document) -> bool:
    return any(d.name in {"http", "events"} for _, block in document.sections for d in block.directives)


def _resolve_include(
    include_tree: IncludeTree,
    project: Project,
    directive: Directive,
    base: str,
    sections_of_dump: dict[str, Block],
) -> None:
    """Find the files of one include; note it as lost where they are not in the tree."""
    pattern = directive.args[0]
    if sections_of_dump:
        blocks = [block for path, block in sections_of_dump.items() if glob.glob_matches(pattern, path)]
    else:
        blocks = [
            include_tree.block_by_path[path] for path in _paths_of_pattern(include_tree, pattern, base, directive.source.path)
        ]
    homes, own = project.memoize(containers_of_configurations), directive.source.root.path
    blocks = [
        block
        for block in blocks
        if not _includes_itself(block, directive.parent) and not homes.are_apart(own, block.source.root.path)
    ]
    if blocks:
        include_tree.blocks_by_include_id[id(directive)] = tuple(blocks)
        for block in blocks:
            include_tree.including_block_by_id.setdefault(id(block), directive.parent)
    elif not _STOCK_FILE.search(pattern):
        folder = posixpath.normpath(posixpath.join(base, posixpath.dirname(_NGINX_CONFIG_PREFIX.sub("", pattern))))
        empty = "*" in pattern and not pattern.startswith("/") and project.is_walked(folder)
        if not empty:
            include_tree.unresolved_include_ids.add(id(directive))


def _paths_of_pattern(include_tree: IncludeTree, pattern: str, base: str, own_path: str) -> list[str]:
    """The paths that an include means: beside the file, else by the tail of the path, nearest first."""
    tail = _NGINX_CONFIG_PREFIX.sub("", pattern).lstrip("/")
    if has_variable(tail) or not tail or ".." in tail.split("/"):
        tail = "" if has_variable(tail) else posixpath.normpath(posixpath.join("/", tail)).lstrip("/")
    if not tail:
        return []
    beside = posixpath.normpath(posixpath.join(base, tail))
    direct = [path for path in include_tree.block_by_path if _path_matches(path, beside) and path != own_path]
    if direct:
        return sorted(direct)
    upper = posixpath.dirname(base)
    parts = tail.split("/")
    for size in range(len(parts), 0, -1):
        end = "/".join(parts[-size:])
        around = upper if size > 1 else base
        ends = [
            path
            for path in include_tree.block_by_path
            if path != own_path
            and (not around or path.startswith(around + "/"))
            and _path_matches("/".join(path.split("/")[-size:]), end)
        ]
        if ends and (size > 1 or ("*" not in end and len(ends) == 1)):
            return sorted(ends)
    return []


def _path_matches(path: str, pattern: str) -> bool:
    """Whether a path is the pattern's, component by component; `x.conf.template` becomes `x.conf` in the container."""
    ours, theirs = path.split("/"), pattern.split("/")
    if len(ours) != len(theirs):
        return False
    name = re.sub(r"\.(?:template|tmpl|tpl)$", "", ours[-1])
    if name != ours[-1] and ours[-2:-1] == ["templates"] and theirs[-2:-1] == ["conf.d"]:
        ours[-2] = "conf.d"
    return all(glob.glob_matches(two, one) for one, two in zip([*ours[:-1], name], theirs, strict=True))


def _includes_itself(block: Block, place: Block | None) -> bool:
    """Whether a file includes itself."""
    while place is not None:
        if place is block:
            return True
        place = place.enclosing_block
    return False


def _guess_including_block(include_tree: IncludeTree, project: Project, document: Document) -> None:
    """Give a file that stands alone the `http` block whose lost include would match it, in the same image if that is told."""
    root = document.sections[0][1]
    if id(root) in include_tree.including_block_by_id or not any(
        d.name in {"server", "upstream", "map"} for d in root.directives
    ):
        return
    folder = posixpath.dirname(document.source.path)
    name = re.sub(r"\.(?:template|tmpl|tpl)$", "", posixpath.basename(document.source.path))
    path = document.source.root.path
    homes = project.memoize(containers_of_configurations)
    for other in project.documents_of_kind("nginx"):
        if (
            other is document
            or not may_belong_to(folder, posixpath.dirname(other.source.path))
            or homes.are_apart(other.source.root.path, path)
        ):
            continue
        for directive in other.walk_directives():
            lost = id(directive) in include_tree.unresolved_include_ids and directive.parent.opening_directive_name == "http"
            if lost and glob.glob_matches(posixpath.basename(directive.args[0]), name):
                include_tree.including_block_by_id[id(root)] = directive.parent
                include_tree.guessed_part_paths.add(path)
                include_tree.blocks_by_include_id[id(directive)] = (
                    *include_tree.blocks_by_include_id.get(id(directive), ()),
                    root,
                )
                return


def may_belong_to(folder: str, main_folder: str) -> bool:
    """Whether a file in `folder` may well belong to the configuration whose main file is in `main_folder`."""
    return (
        main_folder in {folder, ""}
        or folder.startswith(main_folder + "/")
        or posixpath.dirname(folder) == posixpath.dirname(main_folder)
    )


def may_be_one_server(project: Project, directive: Directive, other: Directive) -> bool:
    """Whether two directives may be read by one nginx.

    What is mounted or copied into different images never meets. Files of which nothing says that they belong to a main file
    are as likely alternatives of one another.
    """
    mine, its = directive.source.root.path, other.source.root.path
    homes = project.memoize(containers_of_configurations)
    if mine == its or homes.are_together(mine, its):
        return True
    return not homes.are_apart(mine, its) and not {mine, its} & include_tree(project).guessed_part_paths


# -- questions ---------------------------------------------------------------------------------------------------


def context_level(project: Project, block: Block) -> ContextLevel:
    """A block's level, put together once."""
    tree = include_tree(project)
    context_level = tree.level_by_block_id.get(id(block))
    if context_level is None:
        directives = list(_expand_includes(tree, block))
        by_name: dict[str, list[Directive]] = {}
        for directive in directives:
            by_name.setdefault(directive.name, []).append(directive)
        places = {id(directive): place for place, directive in enumerate(directives)}
        context_level = tree.level_by_block_id[id(block)] = ContextLevel(directives, by_name, places)
    return context_level


def directives_of(project: Project, block: Block, *names: str) -> list[Directive]:
    """The directives of a block with what its includes bring in; only those of the given names, if any."""
    found = context_level(project, block)
    if len(names) == 1:
        return found.by_name.get(names[0], [])
    if not names:
        return found.directives
    return [d for d in found.directives if d.name in names]


def _expand_includes(include_tree: IncludeTree, block: Block) -> Iterator[Directive]:
    """Depth and number of what is included are bounded: includes may form a ring or a bomb."""
    count = 0
    stack = [iter(block.directives)]
    while stack:
        directive = next(stack[-1], None)
        if directive is None:
            stack.pop()
            continue
        count += len(stack) > 1
        if count > _MAX_FILES_PER_INCLUDE:
            return
        yield directive
        if len(stack) < _MAX_INCLUDE_DEPTH:
            stack.extend(iter(inner.directives) for inner in reversed(include_tree.blocks_by_include_id.get(id(directive), ())))


def enclosing_block(project: Project, block: Block) -> Block:
    """The block that a directive standing in `block` belongs to: an included file's top is its includer's level."""
    made = include_tree(project)
    for _ in range(_MAX_INCLUDE_DEPTH):
        if block.owner is not None or id(block) not in made.including_block_by_id:
            break
        block = made.including_block_by_id[id(block)]
    return block


def levels_outwards(project: Project, block: Block) -> list[Block]:
    """The levels from a block outwards, through the includes that bring it in."""
    return project.memoize_for_subject(_levels_outwards, block)


def _levels_outwards(block: Block, project: Project) -> list[Block]:
    blocks: list[Block] = []
    current: Block | None = enclosing_block(project, block)
    while current is not None and len(blocks) < _MAX_LEVELS:
        blocks.append(current)
        above = current.enclosing_block
        current = enclosing_block(project, above) if above is not None else None
    return blocks


def effective_directives(project: Project, block: Block, name: str) -> list[Directive]:
    """The directives of a name that work in a block: its own level's, else the nearest outer level's that has any."""
    for level in levels_outwards(project, block):
        directives = directives_of(project, level, name)
        if directives or name in NON_INHERITED_DIRECTIVES:
            return directives
    return []


def effective_value(project: Project, block: Block, name: str, default: str = "") -> str:
    """The arguments in force under a name, joined by blanks."""
    directives = effective_directives(project, block, name)
    return directives[-1].joined_arguments if directives else default


def may_be_set_in_unread_file(project: Project, block: Block) -> bool:
    """Whether something that is not in sight may set a directive at one of a block's levels.

    That is an include which could not be followed, a place where another program puts directives in, or a file that stands
    alone beside one that may include it.
    """
    levels = levels_outwards(project, block)
    if any(project.memoize_for_subject(_has_lost_include, one) for one in levels):
        return True
    return levels[-1].owner is None and project.memoize_for_subject(_may_be_included_elsewhere, levels[-1])


def may_be_set_in_block_by_unread_file(project: Project, block: Block) -> bool:
    """Whether something that is not in sight may set a directive in a block itself."""
    return project.memoize_for_subject(_has_lost_include, block)


def _has_lost_include(block: Block, project: Project) -> bool:
    """Whether a level has an include that could not be followed, or a place where another program puts directives in."""
    lost = include_tree(project).unresolved_include_ids
    return any(id(d) in lost or d.is_directives_placeholder for d in directives_of(project, block))


def _may_be_included_elsewhere(root: Block, project: Project) -> bool:
    """Whether a file without an `http` of its own lies near one that has it, and may be a part of that.

    It may where something that the other includes is not in sight; a file whose includes are all known has no other parts.
    """
    if any(d.name in {"http", "events"} for d in root.directives):
        return False
    folder = posixpath.dirname(root.source.path)
    return any(
        document.source is not root.source and may_belong_to(folder, posixpath.dirname(document.source.path))
        for document in include_tree(project).incomplete_main_files
    )


def nearest_enclosing(project: Project, block: Block, *names: str) -> Block | None:
    """The nearest level of one of these names, the block's own included."""
    return next(
        (one for one in levels_outwards(project, block) if one.opening_directive_name in names),
        None,
    )


def is_http_context_known(project: Project, block: Block) -> bool:
    """Whether the block's outermost level is known: it stands in an `http` block that is in sight."""
    return any(one.opening_directive_name == "http" for one in levels_outwards(project, block))


def directives_within(project: Project, block: Block) -> Iterator[Directive]:
    """Every directive under a block, what includes bring in too, outer ones first; lines of data blocks are left out."""
    seen = 0
    stack = [iter(directives_of(project, block))]
    while stack:
        directive = next(stack[-1], None)
        if directive is None:
            stack.pop()
            continue
        seen += 1
        if seen > _MAX_DIRECTIVES:
            return
        yield directive
        if directive.block is not None and directive.name not in DATA_BLOCK_NAMES:
            stack.append(iter(directives_of(project, directive.block)))


def root_file_path(document: Document, project: Project) -> str:
    """The path of the main file that a file is included by, else its own."""
    return levels_outwards(project, document.sections[0][1])[-1].source.root.path

"""How nginx files hang together: what `include` brings in, and which value is in force in a block.

Included directives keep their own source. A file that nobody includes, but that an `include` of a main file near it
would match on the server, is judged as if that file included it.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import field
from typing import Any, TypeVar

from readiness.kinds.nginx import Document
from readiness.kinds.nginx.homes import containers_of_configurations
from readiness.kinds.nginx.include_paths import NGINX_CONFIG_PREFIX, ConfigurationPaths, UnresolvedIncludes
from readiness.model.lazy_regex import lazy_regex
from readiness.model.project import Project
from readiness.model.records import dataclass
from readiness.syntax import glob
from readiness.syntax.nginx import NON_INHERITED_DIRECTIVES, Block, Directive
from readiness.syntax.nginx_heads import DATA_BLOCK_NAMES

_STOCK_FILE_PATH = lazy_regex(
    r"(?:^|/)(?:mime\.types|(?:fastcgi|scgi|uwsgi)(?:_params|\.conf)|koi-(?:utf|win)|win-utf|naxsi[\w.-]*|modules(?:-enabled)?/\*(?:\.conf)?)$"
)
"""Files of the packages that set none of what rules look for."""
_MAX_INCLUDE_DEPTH = 20
_MAX_ENCLOSING_LEVELS = 300
_MAX_INCLUDED_DIRECTIVES_PER_BLOCK = 5000
_MAX_DIRECTIVES_WITHIN_BLOCK = 200_000
MAX_INCLUDED_DIRECTIVES_PER_TREE = 300_000  # that the includes of all blocks bring in together


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
    included_directive_count: int = 0


def include_tree(project: Project) -> IncludeTree:
    """The includes of all nginx files of the project, resolved once a run."""
    return project.memoize(_build_include_tree)


def _build_include_tree(project: Project) -> IncludeTree:
    include_tree = IncludeTree()
    documents: list[Document] = project.documents_of_kind("nginx")
    for document in documents:
        if document.source.parent is None:
            include_tree.block_by_path.update({posixpath.normpath(path): block for path, block in document.sections[:1]})
    configuration_paths = ConfigurationPaths(include_tree.block_by_path)
    for document in sorted(documents, key=lambda one: (not _is_main_file(one), one.source.path)):
        dump_section_by_path = dict(document.sections) if len(document.sections) > 1 else {}
        including_folder = posixpath.dirname(document.source.path)
        for directive in document.walk_directives():
            if directive.name == "include" and directive.args:
                _resolve_include(include_tree, project, directive, including_folder, dump_section_by_path, configuration_paths)
    unresolved_includes = UnresolvedIncludes(include_tree.unresolved_include_ids, documents)
    for document in documents:
        _guess_including_block(include_tree, project, document, unresolved_includes)
    include_tree.unresolved_include_ids -= include_tree.blocks_by_include_id.keys()
    include_tree.incomplete_main_files = [one for one in documents if _is_main_file(one) and _has_unseen_parts(include_tree, one)]
    return include_tree


def _has_unseen_parts(include_tree: IncludeTree, document: Document) -> bool:
    """Whether something that a file includes, or that another program puts in, is not in sight."""
    return any(id(d) in include_tree.unresolved_include_ids or d.is_directives_placeholder for d in document.walk_directives())


def _is_main_file(document: Document) -> bool:
    return any(d.name in {"http", "events"} for _, block in document.sections for d in block.directives)


def _resolve_include(
    include_tree: IncludeTree,
    project: Project,
    directive: Directive,
    including_folder: str,
    dump_section_by_path: dict[str, Block],
    configuration_paths: ConfigurationPaths,
) -> None:
    """Find the files of one include; note it as lost where they are not in the tree."""
    include_pattern = directive.args[0]
    if dump_section_by_path:
        included_blocks = [included_block for path, included_block in dump_section_by_path.items() if glob.glob_matches(include_pattern, path)]
    else:
        included_blocks = [
            include_tree.block_by_path[path]
            for path in configuration_paths.matching_include(include_pattern, including_folder, directive.source.path)
        ]
    configuration_containers, including_path = project.memoize(containers_of_configurations), directive.source.root.path
    included_blocks = [
        included_block
        for included_block in included_blocks
        if not _is_block_or_inside_it(included_block, directive.parent)
        and not configuration_containers.are_apart(including_path, included_block.source.root.path)
    ]
    if included_blocks:
        include_tree.blocks_by_include_id[id(directive)] = tuple(included_blocks)
        for included_block in included_blocks:
            include_tree.including_block_by_id.setdefault(id(included_block), directive.parent)
    elif not _STOCK_FILE_PATH.search(include_pattern):
        included_folder = posixpath.normpath(posixpath.join(including_folder, posixpath.dirname(NGINX_CONFIG_PREFIX.sub("", include_pattern))))
        is_empty_folder = "*" in include_pattern and not include_pattern.startswith("/") and project.is_walked(included_folder)
        if not is_empty_folder:
            include_tree.unresolved_include_ids.add(id(directive))


def _is_block_or_inside_it(block: Block, including_block: Block | None) -> bool:
    """Whether a file includes itself."""
    while including_block is not None:
        if including_block is block:
            return True
        including_block = including_block.enclosing_block
    return False


def _guess_including_block(include_tree: IncludeTree, project: Project, document: Document, unresolved_includes: UnresolvedIncludes) -> None:
    """Give a file that stands alone the `http` block whose lost include would match it, in the same image if that is told."""
    root_block = document.sections[0][1]
    if id(root_block) in include_tree.including_block_by_id or not any(d.name in {"server", "upstream", "map"} for d in root_block.directives):
        return
    file_folder = posixpath.dirname(document.source.path)
    file_name_without_template_suffix = re.sub(r"\.(?:template|tmpl|tpl)$", "", posixpath.basename(document.source.path))
    file_path = document.source.root.path
    configuration_containers = project.memoize(containers_of_configurations)
    for other_document, include_directive in unresolved_includes.meaning_folder(file_folder):
        if (
            other_document is document
            or not may_belong_to_main_folder(file_folder, posixpath.dirname(other_document.source.path))
            or configuration_containers.are_apart(other_document.source.root.path, file_path)
        ):
            continue
        if glob.glob_matches(posixpath.basename(include_directive.args[0]), file_name_without_template_suffix):
            include_tree.including_block_by_id[id(root_block)] = include_directive.parent
            include_tree.guessed_part_paths.add(file_path)
            include_tree.blocks_by_include_id[id(include_directive)] = (
                *include_tree.blocks_by_include_id.get(id(include_directive), ()),
                root_block,
            )
            return


def may_belong_to_main_folder(file_folder: str, main_folder: str) -> bool:
    """Whether a file in `file_folder` may well belong to the configuration whose main file is in `main_folder`."""
    return (
        main_folder in {file_folder, ""}
        or file_folder.startswith(main_folder + "/")
        or posixpath.dirname(file_folder) == posixpath.dirname(main_folder)
    )


def may_be_read_by_one_nginx(project: Project, directive: Directive, other_directive: Directive) -> bool:
    """Whether two directives may be read by one nginx.

    What is mounted or copied into different images never meets. Files of which nothing says that they belong to a main file
    are as likely alternatives of one another.
    """
    file_path, other_file_path = directive.source.root.path, other_directive.source.root.path
    configuration_containers = project.memoize(containers_of_configurations)
    if file_path == other_file_path or configuration_containers.are_together(file_path, other_file_path):
        return True
    return (
        not configuration_containers.are_apart(file_path, other_file_path)
        and not {file_path, other_file_path} & include_tree(project).guessed_part_paths
    )


# -- questions ---------------------------------------------------------------------------------------------------


def context_level_of_block(project: Project, block: Block) -> ContextLevel:
    """A block's level, put together once."""
    tree = include_tree(project)
    level_of_block = tree.level_by_block_id.get(id(block))
    if level_of_block is None:
        directives = list(_expand_includes(tree, block))
        by_name: dict[str, list[Directive]] = {}
        for directive in directives:
            by_name.setdefault(directive.name, []).append(directive)
        places = {id(directive): place for place, directive in enumerate(directives)}
        level_of_block = tree.level_by_block_id[id(block)] = ContextLevel(directives, by_name, places)
    return level_of_block


def expanded_directives_of_block(project: Project, block: Block, *names: str) -> list[Directive]:
    """The directives of a block with what its includes bring in; only those of the given names, if any."""
    level_of_block = context_level_of_block(project, block)
    if len(names) == 1:
        return level_of_block.by_name.get(names[0], [])
    if not names:
        return level_of_block.directives
    found_directives = [d for name in dict.fromkeys(names) for d in level_of_block.by_name.get(name, ())]
    return sorted(found_directives, key=lambda each: level_of_block.position_by_directive_id[id(each)])


def _expand_includes(include_tree: IncludeTree, block: Block) -> Iterator[Directive]:
    """Depth and number of what is included are bounded, as includes may form a ring or a bomb: one past a bound is as good as not read."""
    count_before_block = include_tree.included_directive_count
    directive_iterators = [iter(block.directives)]
    while directive_iterators:
        current_directive = next(directive_iterators[-1], None)
        if current_directive is None:
            directive_iterators.pop()
            continue
        yield current_directive
        included_blocks = include_tree.blocks_by_include_id.get(id(current_directive), ()) if len(directive_iterators) < _MAX_INCLUDE_DEPTH else ()
        directive_count = include_tree.included_directive_count + sum(len(one.directives) for one in included_blocks)
        if (
            directive_count - count_before_block > _MAX_INCLUDED_DIRECTIVES_PER_BLOCK or directive_count > MAX_INCLUDED_DIRECTIVES_PER_TREE
        ) and included_blocks:
            include_tree.unresolved_include_ids.add(id(current_directive))
            block.source.root.unread_part = "its includes bring in more directives than are gone through"
            continue
        include_tree.included_directive_count = directive_count
        directive_iterators.extend(iter(inner.directives) for inner in reversed(included_blocks))


def outermost_including_block(project: Project, block: Block) -> Block:
    """The block that a directive standing in `block` belongs to: an included file's top is its includer's level."""
    includes_of_project = include_tree(project)
    for _ in range(_MAX_INCLUDE_DEPTH):
        if block.owner is not None or id(block) not in includes_of_project.including_block_by_id:
            break
        block = includes_of_project.including_block_by_id[id(block)]
    return block


def blocks_outwards(project: Project, block: Block) -> list[Block]:
    """The levels from a block outwards, through the includes that bring it in."""
    return project.memoize_for_subject(_levels_outwards, block)


def _levels_outwards(block: Block, project: Project) -> list[Block]:
    enclosing_blocks: list[Block] = []
    current_block: Block | None = outermost_including_block(project, block)
    while current_block is not None and len(enclosing_blocks) < _MAX_ENCLOSING_LEVELS:
        enclosing_blocks.append(current_block)
        parent_block = current_block.enclosing_block
        current_block = outermost_including_block(project, parent_block) if parent_block is not None else None
    return enclosing_blocks


def effective_directives(project: Project, block: Block, directive_name: str) -> list[Directive]:
    """The directives of a name that work in a block: its own level's, else the nearest outer level's that has any."""
    for outer_block in blocks_outwards(project, block):
        level_directives = expanded_directives_of_block(project, outer_block, directive_name)
        if level_directives or directive_name in NON_INHERITED_DIRECTIVES:
            return level_directives
    return []


def effective_arguments(project: Project, block: Block, directive_name: str, default: str = "") -> str:
    """The arguments in force under a name, joined by blanks."""
    directives_in_force = effective_directives(project, block, directive_name)
    return directives_in_force[-1].joined_arguments if directives_in_force else default


def may_be_set_in_unread_file(project: Project, block: Block) -> bool:
    """Whether something that is not in sight may set a directive at one of a block's levels.

    That is an include which could not be followed, a place where another program puts directives in, or a file that stands
    alone beside one that may include it.
    """
    enclosing_blocks = blocks_outwards(project, block)
    if any(project.memoize_for_subject(_has_unresolved_include, one) for one in enclosing_blocks):
        return True
    return enclosing_blocks[-1].owner is None and project.memoize_for_subject(_may_be_part_of_incomplete_config, enclosing_blocks[-1])


def may_be_set_in_block_by_unread_file(project: Project, block: Block) -> bool:
    """Whether something that is not in sight may set a directive in a block itself."""
    return project.memoize_for_subject(_has_unresolved_include, block)


def _has_unresolved_include(block: Block, project: Project) -> bool:
    """Whether a level has an include that could not be followed, or a place where another program puts directives in."""
    unresolved_include_ids = include_tree(project).unresolved_include_ids
    return any(id(d) in unresolved_include_ids or d.is_directives_placeholder for d in expanded_directives_of_block(project, block))


def _may_be_part_of_incomplete_config(root_block: Block, project: Project) -> bool:
    """Whether a file without an `http` of its own lies near one that has it, and may be a part of that.

    It may where something that the other includes is not in sight; a file whose includes are all known has no other parts.
    """
    if any(d.name in {"http", "events"} for d in root_block.directives):
        return False
    file_folder = posixpath.dirname(root_block.source.path)
    return any(
        document.source is not root_block.source and may_belong_to_main_folder(file_folder, posixpath.dirname(document.source.path))
        for document in include_tree(project).incomplete_main_files
    )


def nearest_enclosing_block_named(project: Project, block: Block, *names: str) -> Block | None:
    """The nearest level of one of these names, the block's own included."""
    return next(
        (one for one in blocks_outwards(project, block) if one.opening_directive_name in names),
        None,
    )


def is_http_context_known(project: Project, block: Block) -> bool:
    """Whether the block's outermost level is known: it stands in an `http` block that is in sight."""
    return any(one.opening_directive_name == "http" for one in blocks_outwards(project, block))


def all_directives_within_block(project: Project, block: Block) -> Iterator[Directive]:
    """Every directive under a block, what includes bring in too, outer ones first; lines of data blocks are left out."""
    yielded_directive_count = 0
    directive_iterators = [iter(expanded_directives_of_block(project, block))]
    while directive_iterators:
        current_directive = next(directive_iterators[-1], None)
        if current_directive is None:
            directive_iterators.pop()
            continue
        yielded_directive_count += 1
        if yielded_directive_count > _MAX_DIRECTIVES_WITHIN_BLOCK:
            return
        yield current_directive
        if current_directive.block is not None and current_directive.name not in DATA_BLOCK_NAMES:
            directive_iterators.append(iter(expanded_directives_of_block(project, current_directive.block)))


def root_file_path(document: Document, project: Project) -> str:
    """The path of the main file that a file is included by, else its own."""
    return blocks_outwards(project, document.sections[0][1])[-1].source.root.path

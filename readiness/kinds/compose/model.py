"""The things of a compose file: the file, its services, and their ports, mounts and variables."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from readiness.facts import public_images
from readiness.facts.public_images import ImageFacts
from readiness.facts.table import fact_column
from readiness.kinds.compose.environment import EMPTY_ENVIRONMENT, EnvFileValue, Environment
from readiness.kinds.compose.parts import MountSpec, PortSpec, expand_scalar, variable_settings
from readiness.kinds.compose.started import runs_other_program
from readiness.kinds.compose.stated import purpose_stated_in
from readiness.kinds.decision import purpose_by_signs, said_purpose
from readiness.kinds.purpose import (
    COMPOSE_PAIRS,
    HasPurpose,
    NonProductionSign,
    decisive_signs,
    dockerfile_purpose,
    purpose_by_name,
)
from readiness.kinds.variables import HasVariables, VariableSetting
from readiness.model import Purpose, Source, Span
from readiness.syntax import image as images
from readiness.syntax.image import ImageReference
from readiness.syntax.interpolation import UNKNOWN_VALUE_MARK
from readiness.syntax.yaml import Map, Seq


@dataclass(frozen=True, slots=True, eq=False)
class Service(HasPurpose, HasVariables):
    """One service. `node` is what the file writes, `extended_node` the same over what it extends in this file.

    `name_span` is the place of its name, `owned` whether it has an image or a build of its own (else it amends another file's
    service). `extends` is the other file, and the service in it, that it extends.
    """

    source: Source
    node: Map
    name: str
    name_span: Span
    document: Document
    extended_node: Map
    extends: tuple[str, str] | None = None
    container: str = ""

    @property
    def resource(self) -> str:
        """`service/NAME`, as reports name it."""
        return f"service/{self.name}"

    @property
    def purpose(self) -> str:
        """What the file is for, by its name: dev, test, prod or unknown."""
        return self.document.purpose

    def is_production(self, ignored_fact: str = "") -> bool:
        """Whether it may run in production: neither its file nor what is said of itself says otherwise."""
        if self.source.root.said is None and (own := self.stated) is not None:
            return own.is_production
        return not self.set_aside and self.document.is_production(ignored_fact)

    @property
    def stated(self) -> Purpose | None:
        """What its own `x-readiness` says that it is for."""
        return purpose_stated_in((self.extended_node,), f"of {self.resource}")

    @property
    def named_aside(self) -> bool:
        """Whether names say so: that of its file, or what is said of itself."""
        return self.set_aside or self.document.purpose in {"dev", "test"}

    @property
    def set_aside(self) -> bool:
        """Whether its name, its build or all of its profiles say that it is for development or tests."""
        if (said := self.source.root.said) is not None and said.of_all:
            return False
        words = re.split(r"[._-]", self.name.lower())
        return any(map(_is_left_out_of_production, words)) or self._is_of_other_profiles or self.built_for_development

    @property
    def _is_of_other_profiles(self) -> bool:
        """Whether none of its profiles is started in production: by the settings where they name some, else by their names."""
        profiles = self.extended_node.get("profiles")
        listed = [str(one) for one in profiles] if isinstance(profiles, Seq) else []
        named = self.document.production_profiles
        if named is not None:
            return bool(listed) and named.isdisjoint(listed)
        return bool(listed) and all(_is_left_out_of_production(one.lower()) for one in listed)

    @property
    def built_for_development(self) -> bool:
        """Whether its image is built from a Dockerfile or a stage for development or tests."""
        build = self.extended_node.get("build")
        if not isinstance(build, Map):
            return False
        file, target = build.get("dockerfile"), build.get("target")
        return (isinstance(target, str) and _is_left_out_of_production(target.lower())) or (
            isinstance(file, str) and dockerfile_purpose(posixpath.basename(file)) in ("dev", "test")
        )

    @property
    def owned(self) -> bool:
        """Whether it says what runs: an image, a build or a provider."""
        return any(key in self.extended_node for key in ("image", "build", "provider"))

    @property
    def runs(self) -> bool:
        """Whether it is a container that is meant to stay: no job, no provider, no box of tools."""
        return self.owned and "provider" not in self.extended_node and not self.once and self.role != "tool"

    @property
    def builds(self) -> bool:
        """Whether its image is built here."""
        return "build" in self.extended_node

    @property
    def local(self) -> bool:
        """Whether its image comes from no registry: it is built here, or another service of the file builds it."""
        image = self.extended_node.get("image")
        return self.builds or (isinstance(image, str) and image in self.document.built_image_names)

    @property
    def env_values(self) -> Mapping[str, str]:
        """What the environment files of its project give to variables."""
        return self.document.environment.values

    @property
    def env_file_variables(self) -> Mapping[str, str]:
        """What variables in its environment files are filled in from: those of the project, then its own."""
        values = self.document.environment.values_with_secrets
        own = variable_settings(self.source, self.extended_node, "environment", values)
        return {**{one.name: one.text for one in own if one.text is not None}, **values}

    @property
    def variable_settings(self) -> Iterator[VariableSetting]:
        """What its own lines set, with the defaults of the variables in them."""
        return variable_settings(self.source, self.node, "environment")

    @property
    def variables(self) -> Mapping[str, VariableSetting]:
        """What its container sees where nobody sets anything else: its environment files, then what it and those that it extends
        in this file write, filled in from the environment of the project.

        What files that are laid over it change, words.service_variables tells.
        """
        from_files = self.document.env_file_values_by_service.get(self.name, {})
        return self.layer_variables(from_files, self.extended_node)

    def layer_variables(self, env_file_values: Mapping[str, EnvFileValue], node: Map) -> Mapping[str, VariableSetting]:
        """What environment files give, and over that what `node`, the service as far as it is known, writes."""
        written = variable_settings(self.source, node, "environment", self.document.environment.values_with_secrets)
        given = {name: one.setting_of(name) for name, one in env_file_values.items()}
        return {**given, **{one.name: one for one in written}}

    @property
    def image(self) -> ImageReference | None:
        """Its image, with what variables hold where nobody sets anything else; None where there is none."""
        value = self.extended_node.get("image")
        if not isinstance(value, str):
            return None
        return images.parse_image(expand_scalar(value, self.env_values).text.replace(UNKNOWN_VALUE_MARK, "$X"))

    @property
    def image_facts(self) -> ImageFacts | None:
        """What is known of its image; None where no table has it, or where it runs something else than its server."""
        image = self.image
        if runs_other_program(self.extended_node.get("entrypoint"), self.extended_node.get("command")):
            return None
        return public_images.facts_of_public_image(image) if image is not None and not image.name_unknown else None

    @property
    def role(self) -> str:
        """What its image is, where that is known: database, cache, queue, search, proxy, console and so on."""
        known = self.image_facts
        return known.role if known else ""

    @property
    def once(self) -> bool:
        """Whether it is meant to end: waited for until it completed, never started again, or named like a job."""
        left_down = self.extended_node.get("restart") in (
            "no",
            False,
        ) and not self.extended_node.get("ports")
        if self.name in self.document.awaited_until_completed or left_down:
            return True
        deploy = self.extended_node.get("deploy")
        if isinstance(deploy, Map) and str(deploy.get("mode")).endswith("-job"):
            return True
        return bool(_JOB_NAMES.search(self.name))


def _is_left_out_of_production(word: str) -> bool:
    """Whether a word in the name of a service, a profile or a stage says that it is for development or tests."""
    return word in fact_column("purpose-words", "service")


_JOB_NAMES = re.compile(
    r"(?:^|[-_])(?:init|migrat\w{0,60}|setup|seed\w{0,60}|backup|restore|bootstrap|installer?|createbuckets?|job|once|cli|tests?|e2e|lint|"
    r"certbot|mc|perms?|permissions?|chown|provision\w{0,60}|loader|import\w{0,60}|export\w{0,60})(?:$|[-_\d])",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, eq=False)
class ServicePart(HasPurpose):
    """A part of a service: it stands where the service stands, and is called as the service unless it has a name."""

    owner: Service

    container = ""
    source = property(lambda self: self.owner.source)
    node = property(lambda self: self.owner.node)

    @property
    def resource(self) -> str:
        """The resource of the service that it belongs to."""
        return self.owner.resource

    def is_production(self, ignored_fact: str = "") -> bool:
        """Whether the service may run in production."""
        return self.owner.is_production(ignored_fact)

    @property
    def named_aside(self) -> bool:
        """Whether names say that the service is none of production's."""
        return self.owner.named_aside

    @property
    def purpose(self) -> str:
        """What the service's file is for: dev, test, prod or unknown."""
        return self.owner.purpose

    @property
    def image_role(self) -> str:
        """What the service's image is, where that is known."""
        return self.owner.role

    @property
    def name(self) -> str:
        """The name of the service that it belongs to."""
        return self.owner.name


@dataclass(frozen=True, slots=True, eq=False)
class Port(ServicePart):
    """One published port of a service."""

    spec: PortSpec


@dataclass(frozen=True, slots=True, eq=False)
class Mount(ServicePart):
    """One mount of a service."""

    spec: MountSpec


@dataclass(frozen=True, slots=True, eq=False)
class Variable(ServicePart, HasVariables):
    """One variable of a service: `where` is environment, args (of its build) or env_file.

    What an environment file gives has its place there, be the file named by the service or be it the `.env` out of
    which `${NAME}` is filled in; `env_file_value` says which.
    """

    setting: VariableSetting
    where: str
    env_file_value: EnvFileValue | None = None

    @property
    def service(self) -> str:
        """The name of the service."""
        return self.owner.name

    @property
    def name(self) -> str:
        """The name of the variable, not that of the service."""
        return self.setting.name

    @property
    def variable_settings(self) -> tuple[VariableSetting, ...]:
        """The variable itself, where the service's own lines set it for its container."""
        return (self.setting,) if self.where == "environment" else ()

    source = property(lambda self: self.setting.source)
    node = property(lambda self: self.env_file_value.document if self.env_file_value else self.owner.node)


_OF_SWARM = frozenset({"placement", "update_config", "rollback_config", "endpoint_mode", "mode"})


def _is_for_swarm(service: Service) -> bool:
    """Whether a service says what only a swarm reads."""
    deploy = service.extended_node.get("deploy")
    return isinstance(deploy, Map) and bool(_OF_SWARM & set(deploy))


@dataclass(slots=True, eq=False)
class Document(HasPurpose):
    """One compose file. `purpose` is what its name says, `non_production_signs` what else says that it is not production's.

    `legacy` marks the first format, which has services at its top level. `environment` is what fills in its
    variables, `env_file_variables` the variables that stand in environment files and that this file is the first to use.
    `reset_paths` are the paths of what it takes away from the files that it is laid over, `production_profiles` those that the
    settings say are started.
    """

    source: Source
    roots: tuple[Map, ...]
    purpose: str
    legacy: bool = False
    services: dict[str, Service] = field(default_factory=dict)
    awaited_until_completed: frozenset[str] = frozenset()
    environment: Environment = EMPTY_ENVIRONMENT
    env_file_variables: tuple[Variable, ...] = ()
    env_file_values_by_service: Mapping[str, Mapping[str, EnvFileValue]] = field(default_factory=dict)
    reset_paths: tuple[tuple[str, ...], ...] = ()
    resource: str = "project"
    container: str = ""
    non_production_signs: tuple[NonProductionSign, ...] = ()
    production_profiles: frozenset[str] | None = None
    _is_for_swarm: bool | None = None
    _built_image_names: frozenset[str] | None = None

    @property
    def node(self) -> Map:
        """The first mapping of the file."""
        return self.roots[0]

    def is_production(self, ignored_fact: str = "") -> bool:
        """Whether the file may run in production: neither its name nor what stands in it says otherwise."""
        if (said := self.said) is not None:
            return said.is_production
        return self.purpose == "prod" or not (
            self.purpose in {"dev", "test"} or decisive_signs(self.non_production_signs, ignored_fact)
        )

    @property
    def said(self) -> Purpose | None:
        """What settings, a comment at its head or its `x-readiness` say that it is for."""
        return said_purpose(self.source) or purpose_stated_in(self.roots, "of the file")

    @property
    def taken_for(self) -> Purpose | None:
        """What the file was taken for; None where nothing says that it is not production's."""
        if (said := self.said) is not None:
            return said
        if self.purpose in {"dev", "test"}:
            return purpose_by_name(self.source.path, "compose")
        return None if self.purpose == "prod" else purpose_by_signs(self.non_production_signs, COMPOSE_PAIRS)

    @property
    def built_image_names(self) -> frozenset[str]:
        """The images that services of the file build, by the names that they are given."""
        if self._built_image_names is None:
            images = (one.extended_node.get("image") for one in self.services.values() if one.builds)
            self._built_image_names = frozenset(one for one in images if isinstance(one, str) and one)
        return self._built_image_names

    @property
    def swarm(self) -> bool:
        """Whether it is written for a swarm, where other defaults hold: a container starts again by itself."""
        if self._is_for_swarm is None:
            self._is_for_swarm = any(_is_for_swarm(one) for one in self.services.values()) or any(
                isinstance(node, Map) and node.get("driver") == "overlay"
                for _, node in self.section_entries("networks").values()
            )
        return self._is_for_swarm

    @property
    def folder(self) -> str:
        """The folder that its paths are relative to; for a block in prose the document itself."""
        path, block, _ = self.source.path.partition("#")
        return path if block else posixpath.dirname(path)

    @property
    def first(self) -> bool:
        """Whether Docker reads it without being told its name."""
        return bool(re.search(r"(?:^|/)(?:docker-)?compose\.ya?ml\Z", self.source.path))

    @property
    def override(self) -> bool:
        """Whether Docker takes it in by itself, over the file beside it."""
        return bool(re.search(r"(?:^|/)(?:docker-)?compose\.override\.ya?ml\Z", self.source.path))

    def section_entries(self, key: str) -> dict[str, tuple[Map, Any]]:
        """name -> (mapping that holds it, value) of a top-level section."""
        found: dict[str, tuple[Map, Any]] = {}
        for root in self.roots:
            part = root.get(key)
            if isinstance(part, Map):
                found.update((name, (part, value)) for name, value in part.items())
        return found

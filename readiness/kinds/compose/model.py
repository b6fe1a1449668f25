"""The things of a compose file: the file, its services, and their ports, mounts and variables."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import field
from typing import Any

from readiness.facts import public_images
from readiness.facts.compose_names import DEFAULT_COMPOSE_NAMES, DEFAULT_OVERRIDE_NAMES
from readiness.facts.public_images import ImageFacts
from readiness.facts.table import property_by_fact_name
from readiness.kinds.compose.environment import EMPTY_ENVIRONMENT, EnvFileValue, Environment
from readiness.kinds.compose.lifetime import has_only_profiles_of_nobody, is_meant_to_end, starts_nothing
from readiness.kinds.compose.parts import MountSpec, PortSpec, expand_scalar, variable_settings_under_key
from readiness.kinds.compose.started import runs_other_program
from readiness.kinds.compose.stated import first_stated_purpose
from readiness.kinds.decision import explicit_purpose, purpose_by_signs
from readiness.kinds.purpose import (
    COMPOSE_SIGN_PAIRS_THAT_DECIDE,
    HasPurpose,
    NonProductionSign,
    decisive_signs,
    dockerfile_purpose,
    non_production_purpose_by_path,
)
from readiness.kinds.variables import HasVariables, VariableSetting
from readiness.model import Purpose, Source, Span
from readiness.model.records import dataclass
from readiness.syntax import image as images
from readiness.syntax.holes import has_variable_sign
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
        if self.source.root.said is None and (stated_purpose := self.stated) is not None:
            return stated_purpose.is_production
        return not self.set_aside and self.document.is_production(ignored_fact)

    @property
    def stated(self) -> Purpose | None:
        """What its own `x-readiness` says that it is for."""
        return None if self.source.root.is_purpose_locked else first_stated_purpose((self.extended_node,), f"of {self.resource}")

    @property
    def named_aside(self) -> bool:
        """Whether names say so: that of its file, or what is said of itself."""
        return self.set_aside or self.document.purpose in {"dev", "test"}

    @property
    def set_aside(self) -> bool:
        """Whether its name, its build or all of its profiles say that it is for development or tests."""
        if (source_purpose := self.source.root.said) is not None and source_purpose.of_all:
            return False
        name_words = re.split(r"[._-]", self.name.lower())
        return any(map(_is_non_production_word, name_words)) or self._is_of_other_profiles or self.built_for_development

    @property
    def _is_of_other_profiles(self) -> bool:
        """Whether none of its profiles is started in production: by the settings where they name some, else by their names."""
        profiles_node = self.extended_node.get("profiles")
        profile_names = [str(one) for one in profiles_node] if isinstance(profiles_node, Seq) else []
        production_profiles = self.document.production_profiles
        if production_profiles is not None:
            return bool(profile_names) and production_profiles.isdisjoint(profile_names)
        return bool(profile_names) and all(_is_non_production_word(one.lower()) for one in profile_names)

    @property
    def built_for_development(self) -> bool:
        """Whether its image is built from a Dockerfile or a stage for development or tests."""
        build_section = self.extended_node.get("build")
        if not isinstance(build_section, Map):
            return False
        dockerfile_path, target_stage = build_section.get("dockerfile"), build_section.get("target")
        return (isinstance(target_stage, str) and _is_non_production_word(target_stage.lower())) or (
            isinstance(dockerfile_path, str) and dockerfile_purpose(posixpath.basename(dockerfile_path)) in ("dev", "test")
        )

    @property
    def owned(self) -> bool:
        """Whether it says what runs: an image, a build or a provider."""
        return any(key in self.extended_node for key in ("image", "build", "provider"))

    @property
    def runs(self) -> bool:
        """Whether it is a container that is meant to stay: no job, no provider, no box of tools, nor a block for others to take over alone."""
        return self.owned and "provider" not in self.extended_node and not self.once and self.role != "tool" and not self.never_started

    @property
    def never_started(self) -> bool:
        """Whether all of its profiles say that nobody starts it: it only holds what other services merge (`profiles: [none]`)."""
        return has_only_profiles_of_nobody(self.extended_node)

    @property
    def builds(self) -> bool:
        """Whether its image is built here."""
        return "build" in self.extended_node

    @property
    def local(self) -> bool:
        """Whether its image comes from no registry: it is built here, or another service of the file builds it."""
        image_text = self.extended_node.get("image")
        return self.builds or (isinstance(image_text, str) and image_text in self.document.built_image_names)

    @property
    def env_values(self) -> Mapping[str, str]:
        """What the environment files of its project give to variables."""
        return self.document.environment.values

    @property
    def env_file_variables(self) -> Mapping[str, str]:
        """What variables in its environment files are filled in from: those of the project, then its own."""
        project_values = self.document.environment.values_with_secrets
        own_variable_settings = variable_settings_under_key(self.source, self.extended_node, "environment", project_values)
        return {**{one.name: one.text for one in own_variable_settings if one.text is not None}, **project_values}

    @property
    def variable_settings(self) -> Iterator[VariableSetting]:
        """What its own lines set, with the defaults of the variables in them."""
        return variable_settings_under_key(self.source, self.node, "environment")

    @property
    def variables(self) -> Mapping[str, VariableSetting]:
        """What its container sees where nobody sets anything else: its environment files, then what it and those that it extends
        in this file write, filled in from the environment of the project.

        What files that are laid over it change, words.service_variables tells.
        """
        env_file_value_by_name = self.document.env_file_values_by_service.get(self.name, {})
        return self.layer_variables(env_file_value_by_name, self.extended_node)

    def layer_variables(self, env_file_values: Mapping[str, EnvFileValue], service_node: Map) -> Mapping[str, VariableSetting]:
        """What environment files give, and over that what `service_node`, the service as far as it is known, writes."""
        written_settings = variable_settings_under_key(self.source, service_node, "environment", self.document.environment.values_with_secrets)
        env_file_setting_by_name = {name: one.setting_of(name) for name, one in env_file_values.items()}
        return {**env_file_setting_by_name, **{one.name: one for one in written_settings}}

    @property
    def image(self) -> ImageReference | None:
        """Its image, with what variables hold where nobody sets anything else; None where there is none."""
        image_text = self.extended_node.get("image")
        if not isinstance(image_text, str):
            return None
        filled_in_text = expand_scalar(image_text, self.env_values).text if has_variable_sign(image_text) else image_text
        return images.parse_image(filled_in_text.replace(UNKNOWN_VALUE_MARK, "$X"))

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
        known_image_facts = self.image_facts
        return known_image_facts.role if known_image_facts else ""

    @property
    def holds_volumes(self) -> bool:
        """Whether it runs nothing at all, so that its container is only there for its volumes."""
        return starts_nothing(self.extended_node)

    @property
    def once(self) -> bool:
        """Whether it is meant to end: waited for until it completed, never started again, or named like a job."""
        return self.name in self.document.awaited_until_completed or is_meant_to_end(self.name, self.extended_node)


def _is_non_production_word(word: str) -> bool:
    """Whether a word in the name of a service, a profile or a stage says that it is for development or tests."""
    return word in property_by_fact_name("purpose-words", "service")


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


_SWARM_DEPLOY_KEYS = frozenset({"placement", "update_config", "rollback_config", "endpoint_mode", "mode"})


def _has_swarm_deploy_keys(service: Service) -> bool:
    """Whether a service says what only a swarm reads."""
    deploy_section = service.extended_node.get("deploy")
    return isinstance(deploy_section, Map) and bool(_SWARM_DEPLOY_KEYS & set(deploy_section))


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
    _entries_by_section: dict[str, dict[str, tuple[Map, Any]]] = field(default_factory=dict)

    @property
    def node(self) -> Map:
        """The first mapping of the file."""
        return self.roots[0]

    def is_production(self, ignored_fact: str = "") -> bool:
        """Whether the file may run in production: neither its name nor what stands in it says otherwise."""
        if (stated_purpose := self.said) is not None:
            return stated_purpose.is_production
        return self.purpose == "prod" or not (self.purpose in {"dev", "test"} or decisive_signs(self.non_production_signs, ignored_fact))

    @property
    def said(self) -> Purpose | None:
        """What settings, a comment at its head or its `x-readiness` say that it is for."""
        stated_roots = () if self.source.root.is_purpose_locked else self.roots
        return explicit_purpose(self.source) or first_stated_purpose(stated_roots, "of the file")

    @property
    def taken_for(self) -> Purpose | None:
        """What the file was taken for; None where nothing says that it is not production's."""
        if (stated_purpose := self.said) is not None:
            return stated_purpose
        if self.purpose in {"dev", "test"}:
            return non_production_purpose_by_path(self.source.path, "compose")
        return None if self.purpose == "prod" else purpose_by_signs(self.non_production_signs, COMPOSE_SIGN_PAIRS_THAT_DECIDE)

    @property
    def built_image_names(self) -> frozenset[str]:
        """The images that services of the file build, by the names that they are given."""
        if self._built_image_names is None:
            image_values = (one.extended_node.get("image") for one in self.services.values() if one.builds)
            self._built_image_names = frozenset(one for one in image_values if isinstance(one, str) and one)
        return self._built_image_names

    @property
    def swarm(self) -> bool:
        """Whether it is written for a swarm, where other defaults hold: a container starts again by itself."""
        if self._is_for_swarm is None:
            self._is_for_swarm = any(_has_swarm_deploy_keys(one) for one in self.services.values()) or any(
                isinstance(node, Map) and node.get("driver") == "overlay" for _, node in self.section_entries("networks").values()
            )
        return self._is_for_swarm

    @property
    def folder(self) -> str:
        """The folder that its paths are relative to; for a block in prose the document itself."""
        path_before_fragment, fragment_separator, _ = self.source.path.partition("#")
        return path_before_fragment if fragment_separator else posixpath.dirname(path_before_fragment)

    @property
    def first(self) -> bool:
        """Whether Docker reads it without being told its name."""
        return posixpath.basename(self.source.path) in DEFAULT_COMPOSE_NAMES

    @property
    def override(self) -> bool:
        """Whether Docker takes it in by itself, over the file beside it."""
        return posixpath.basename(self.source.path) in DEFAULT_OVERRIDE_NAMES

    def section_entries(self, section_key: str) -> Mapping[str, tuple[Map, Any]]:
        """name -> (mapping that holds it, value) of a top-level section; put together once, as every service asks for it."""
        mapping_and_value_by_name = self._entries_by_section.get(section_key)
        if mapping_and_value_by_name is None:
            mapping_and_value_by_name = self._entries_by_section[section_key] = {}
            for root in self.roots:
                section_node = root.get(section_key)
                if isinstance(section_node, Map):
                    mapping_and_value_by_name.update((name, (section_node, value)) for name, value in section_node.items())
        return mapping_and_value_by_name

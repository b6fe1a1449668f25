"""What the rows of each topic may say: property -> what its value is. `bool`, `str`, `int`, lists and mappings of them."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

Shape = Callable[[Any], bool]


def boolean(value: Any) -> bool:
    return isinstance(value, bool)


def true(value: Any) -> bool:
    """A mark: what has it not does not say so."""
    return value is True


def text(value: Any) -> bool:
    return isinstance(value, str)


def number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def day(value: Any) -> bool:
    return isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\d", value) is not None


def pattern(value: Any) -> bool:
    """A regular expression."""
    return isinstance(value, str) and bool(re.compile(value))


def one_of(*words: str) -> Shape:
    return lambda value: value in words


def many(shape: Shape) -> Shape:
    return lambda value: isinstance(value, list) and all(map(shape, value))


def by_name(shape: Shape) -> Shape:
    return lambda value: isinstance(value, dict) and all(map(shape, value.values()))


def record(**shapes: Shape) -> Shape:
    """A mapping with some of these properties; `_` stands for `-`."""
    known = {name.replace("_", "-"): shape for name, shape in shapes.items()}
    return lambda value: isinstance(value, dict) and all(name in known and known[name](one) for name, one in value.items())


IMAGE_SHAPES: dict[str, Shape] = {
    "role": text,
    "ports": many(number),
    "admin": many(number),
    "data": many(text),
    "from-18": text,
    "floating": number,
    "off": by_name(many(text)),
    "outweighed": by_name(many(text)),
    "flags-off": many(text),
    "default": by_name(text),
    "moot": by_name(by_name(many(text))),
    "alias": by_name(many(text)),
    "keyed": many(text),
    "flags": many(text),
    "docker": true,
    "host": true,
    "volatile": true,
    "stores-as": many(text),
    "user": text,
    "drops-root": true,
    "plain": true,
    "runtime": true,
    "application": boolean,
    "workdir": boolean,
    "path-only": true,
    "shell": one_of("dash", "bash", "busybox"),
    "lacks": many(text),
    "compiles": pattern,
    "small-tags": many(text),
    "small": true,
    "healthcheck": true,
    "slow-start": true,
    "serves": one_of("scraping", "dashboard-server", "log-shipping", "log-store", "backup"),
    "anywhere": true,
    "releases": text,
    "release-in": pattern,
    "once-official": true,
    "ended": day,
    "called": text,
    "reads-only": by_name(text),
    "ready-at-once": true,
    "systems": true,
}
RELEASES: dict[str, Shape] = {"title": text, "ends": by_name(day), "names": by_name(text)}
# Topics whose rows have a property for each of the parts of a thing, and what those are.
PARTS: dict[str, Shape] = {"kubernetes-types": text}
SHAPES: dict[str, dict[str, Shape]] = {
    "action-interfaces": {
        "below": number,
        "refused": day,
        "refused-below": number,
        "refused-by": by_name(day),
        "inputs": many(text),
        "required": many(text),
        "deprecated": by_name(text),
        "outputs": many(text),
    },
    "actions": {
        "archived": lambda value: true(value) or day(value),
        "effects": many(text),
        "cache": record(input=text, turns=one_of("on", "off"), unset=one_of("on", "off")),
        "publishes": true,
        "built-in": text,
        "code": many(text),
        "newest": text,
        "installs": record(input=text, product=text),
        "files": one_of("none", "repository", "cache"),
        "pushes": true,
        "app-token": true,
        "by-tag": true,
        "runs-code": true,
        "runs-code-with": text,
        "tells-changes": true,
    },
    "build-arguments": {"platform": true, "proxy": true},
    "cluster-controllers": {"program": text},
    "command-effects": {
        "starts": many(pattern),
        "effect": text,
        "family": text,
        "weak": true,
        "commands": many(pattern),
        "tasks": many(text),
    },
    "images": IMAGE_SHAPES
    | {
        "variants": many(
            lambda value: (
                isinstance(value, dict)
                and all((IMAGE_SHAPES | {"tag": text, "except-tag": text, "except": many(text)})[key](part) for key, part in value.items())
            )
        )
    },
    "github-contexts": {
        "type": one_of("string", "number", "boolean", "anything"),
        "untrusted": true,
        "fixed": true,
        "plain": true,
    },
    "github-events": {
        "types": many(text),
        "any-type": true,
        "filters": many(one_of("branches", "tags", "paths", "workflows")),
        "outsiders": true,
        "base-secrets": true,
        "payload": many(text),
        "code-of-others": true,
    },
    "github-permissions": {"levels": many(one_of("read", "write", "none")), "takes-over": true},
    "github-places": {"contexts": many(text), "functions": many(text)},
    "github-runners": {"images": many(text)},
    "moving-names": {
        "tag": true,
        "flavour": true,
        "address": true,
        "dist-tag": true,
        "ref": true,
        "branch": true,
        "deployed": true,
    },
    "kubernetes-made-services": {"by": text, "of": text},
    "kubernetes-public": {"role": true, "path": true},
    "kubernetes-volumes": {"restricted": true},
    "file-endings": {"foreign": true, "code": true, "settings": true},
    "folders": {"vendored": true, "sources": true, "output": true, "builds": true},
    "system-packages": {"compiler": true, "brings": true},
    "licenses": {"habit": true},
    "image-labels": {"defined": true},
    "docker-words": {"build-valued": true, "compose-command": true, "up-valued": true, "compose-reader": true},
    "log-drivers": {"remote": true},
    "github-activities": {"insiders": true},
    "store-accounts": {"user": text, "default": text, "server": text},
    "http-statuses": {"no-page": true, "refuses": true, "redirects": true},
    "kubernetes-resources": {"acts": true},
    "script-words": {"runs": true, "starts": true},
    "distributions": {"packaged": true, "variant": true},
    "host-paths": {
        "whole": true,
        "below": true,
        "public": true,
        "harmless": true,
        "cloud": true,
        "socket": true,
        "sockets": true,
        "plugins": true,
        "volumes": true,
    },
    "http-headers": {"security": true},
    "kernel-parameters": {"safe": true},
    "kubernetes-annotations": {"ends-tls": true, "issues": true, "internal": true, "addresses": true},
    "kubernetes-apis": {"deprecated": text, "removed": text, "replacement": text, "since": text},
    "kubernetes-custom": {
        "route": true,
        "no-pods": true,
        "pods": true,
        "template": true,
        "secrets": true,
        "policy": true,
        "shows": text,
    },
    "kubernetes-grants": {
        "verbs": many(text),
        "resources": many(text),
        "groups": many(text),
        "cluster": true,
        "whole": true,
    },
    "kubernetes-kinds": {"type": text, "cluster": true},
    "kubernetes-config-files": {"read-by": text, "names-manifests": true},
    "openshift-kinds": {"group": text},
    "kubernetes-labels": {"added": true},
    "linux-capabilities": {
        "default": true,
        "baseline": true,
        "host": true,
        "forges": true,
        "network": true,
        "tunes": true,
        "all": true,
        "escapes": true,
    },
    "managers": {
        "name": text,
        "programs": many(text),
        "install": many(text),
        "update": many(text),
        "upgrade": many(text),
        "remove": many(text),
        "unversioned": many(text),
        "clean": many(text),
        "assumes-yes": many(text),
        "valued": many(text),
        "uncached": many(text),
        "switches": many(text),
        "settings": pattern,
        "lists": many(text),
        "moves": many(text),
        "locked": many(text),
        "lock-files": many(text),
        "pin": pattern,
        "system": true,
    },
    "nginx-directives": {
        "decorates": true,
        "rootless": true,
        "safe-in-if": true,
        "answers": true,
        "guards": true,
        "sets": true,
        "balances": true,
        "once": true,
        "starts-line": true,
        "application": true,
        "backend": true,
        "content": true,
    },
    "official-images": {},
    "ports": {"debugger": text, "ssh": true, "ssh-moved": true},
    "other-releases": RELEASES,
    "purpose-words": {
        "file": one_of("dev", "test", "prod"),
        "image": one_of("build"),
        "compose": one_of("dev"),
        "service": true,
        "namespace": true,
        "deploys": one_of("preview", "staging", "production"),
        "setting": true,
    },
    "registries": {"owned": true, "packages": true},
    "secret-names": {"hint": true},
    "tls-ciphers": {"forward": true, "kubelets": true},
    "password-arguments": {
        "verb": many(text),
        "options": many(text),
        "glued": many(text),
        "accounts": many(text),
        "operands": by_name(number),
        "pairs": true,
        "last": many(text),
        "stdin": many(text),
        "account": true,
        "entries": many(text),
    },
    "programs": {
        "cluster": true,
        "task-runner": true,
        "looks": true,
        "makes-nothing": true,
        "brings": true,
        "says": true,
        "reads-none": true,
        "keeps-owners": true,
        "passing": true,
        "reads-lists": true,
        "login": many(text),
        "wraps": record(valued=many(text), operand=true, assigns=true),
        "runs": many(text),
        "develops": many(text),
        "publishes": many(text),
        "drops-user": true,
        "insecure": many(text),
        "unpacks": true,
        "interpreter": true,
        "database-server": true,
    },
    "releases": RELEASES,
    "settings": {
        "environment": true,
        "debug": many(text),
        "log-level": true,
        "error-tracker": true,
    },
    "working-tree-commands": {"command": pattern},
    "top-level-domains": {"second-level": true, "public": true, "private": true},
}

"""Package managers as one table: what installs, updates, cleans, locks and asks, for each of them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from readiness.syntax.shell import Command, Word
from readiness.syntax.wrappers import unwrapped


@dataclass(frozen=True, slots=True)
class Manager:
    """One package manager. Names of actions are its own; `valued` are options that take a value.

    `install`, `update`, `upgrade` and `clean` are subcommands (or options, for pacman and rpm);
    `lists` are folders that hold what a clean build leaves out; `uncached` switches the cache off.
    """

    name: str
    programs: tuple[str, ...]
    install: frozenset[str]
    update: frozenset[str] = frozenset()
    upgrade: frozenset[str] = frozenset()
    clean: frozenset[str] = frozenset()
    yes: tuple[str, ...] = ()
    valued: frozenset[str] = frozenset()
    uncached: tuple[str, ...] = ()
    lists: tuple[str, ...] = ()
    locked: frozenset[str] = frozenset()
    pin: re.Pattern[str] | None = None
    system: bool = False


@dataclass(frozen=True, slots=True)
class Call:
    """A command of a package manager: what it does, and to which packages."""

    manager: Manager
    action: str
    packages: tuple[Word, ...]
    command: Command
    verb: Word
    group: str = ""

    @property
    def installs(self) -> bool:
        """Whether it installs or upgrades packages."""
        return self.action in ("install", "upgrade")


def _set(text: str) -> frozenset[str]:
    return frozenset(text.split())


_RPM_VERBS = _set("install in localinstall reinstall rei groupinstall swap downgrade builddep")
_RPM_VALUED = _set(
    "--setopt --enablerepo --disablerepo --repo --repoid -x --exclude --installroot --releasever"
    " -c --config --comment --forcearch --advisory --bugfix --nodocs-x -d -e -R --downloaddir"
)
_RPM_PIN = re.compile(r"-\d|-[^-]*[$]|\.rpm\Z|://|:\d|-\S*[0-9]+[.:~^-]\S*")
_DNF = _set("upgrade up update distro-sync dsync system-upgrade")

MANAGERS = (
    Manager(
        "apt", ("apt-get", "apt", "aptitude"), _set("install build-dep satisfy reinstall"),
        update=_set("update"), upgrade=_set("upgrade dist-upgrade full-upgrade safe-upgrade"),
        clean=_set("clean distclean autoclean"),
        yes=("-y", "--yes", "--assume-yes", "-qq", "--force-yes"),
        valued=_set("-o --option -c --config-file -t --target-release --default-release -a -S"),
        lists=("/var/lib/apt/lists",), pin=re.compile(r"=|\.deb\Z|/|\A[.~]|\$"), system=True,
    ),
    Manager(
        "apk", ("apk",), _set("add"), update=_set("update"), upgrade=_set("upgrade"),
        clean=_set("cache"),
        valued=_set("--repository -X -t --virtual -p --root --keys-dir --repositories-file"
                    " --arch --cache-dir --cache-max-age --wait --progress-fd"),
        uncached=("--no-cache",), lists=("/var/cache/apk", "/etc/apk/cache"),
        pin=re.compile(r"[=<>~]|\.apk\Z|\$"), system=True,
    ),
    Manager(
        "yum", ("yum",), _RPM_VERBS, update=_set("makecache check-update"),
        upgrade=_set("update upgrade update-minimal distro-sync"),
        clean=_set("clean"), yes=("-y", "--assumeyes"), valued=_RPM_VALUED,
        lists=("/var/cache/yum",), pin=_RPM_PIN, system=True,
    ),
    Manager(
        "dnf", ("dnf", "microdnf", "dnf5", "tdnf"), _RPM_VERBS, update=_set("makecache"),
        upgrade=_DNF, clean=_set("clean"), yes=("-y", "--assumeyes"),
        valued=_RPM_VALUED, lists=("/var/cache/dnf", "/var/cache/libdnf5", "/var/cache/yum"),
        pin=_RPM_PIN, system=True,
    ),
    Manager(
        "zypper", ("zypper",), _set("install in"), update=_set("refresh ref"),
        upgrade=_set("update up dist-upgrade dup patch"), clean=_set("clean cc"),
        yes=("-n", "--non-interactive", "-y", "--no-confirm"),
        valued=_set("-r --repo --from -R --root -c --config -t --type --reposd-dir"),
        lists=("/var/cache/zypp",), pin=re.compile(r"[=<>~]|\.rpm\Z|\$|:\d|-\d"), system=True,
    ),
    Manager(
        "pacman", ("pacman", "yay"), _set("-S"), update=_set("-Sy -Syy"),
        upgrade=_set("-Su -Syu -Syyu"), clean=_set("-Scc -Sc"), yes=("--noconfirm",),
        lists=("/var/cache/pacman/pkg",), system=True,
    ),
    Manager(
        "pip", ("pip", "pip2", "pip3"), _set("install"), clean=_set("cache"),
        valued=_set(
            "-r --requirement -c --constraint -e --editable -i --index-url --extra-index-url"
            " -f --find-links -t --target --prefix --root --trusted-host --proxy --timeout --retries"
            " --platform --python-version --implementation --abi --upgrade-strategy --src --cert"
            " --no-binary --only-binary --progress-bar --global-option --install-option --log"
            " --build-option --config-settings -C --root-user-action --cache-dir --client-cert"
            " --exists-action --report --python --use-feature --use-deprecated --group -b --build"
            " --keyring-provider --resume-retries --uploaded-prior-to"
        ),
        uncached=("--no-cache-dir", "--no-cache"), lists=("/root/.cache/pip", "/root/.cache"),
        pin=re.compile(r"[=<>~!]=|[<>]|://.*@|\A\.{1,2}(?:\Z|/|\[)|\A[/~]|\.(?:whl|zip|tar\.gz|tgz)"
                       r"\Z|\$|[^@]@ ?\S|\A[a-z+]+://(?!.*\.git).*"),
    ),
    Manager("pipx", ("pipx",), _set("install"), valued=_set("--python --index-url -i --pip-args"
            " --suffix --preinstall"),
            pin=re.compile(r"==|[<>~]=|://.*@|\A[./~]|\$|\.whl\Z")),
    Manager("uv", ("uv",), _set("sync add"), clean=_set("cache"),
            uncached=("--no-cache", "-n"), lists=("/root/.cache/uv",),
            locked=_set("--locked --frozen")),
    Manager("poetry", ("poetry",), _set("install add"), clean=_set("cache"), yes=("-n",)),
    Manager(
        "npm", ("npm",), _set("install i in ins inst insta instal isnt isnta isntal add ci"),
        clean=_set("cache"), locked=_set("ci"),
        valued=_set("--registry --prefix --loglevel --omit --include --tag --userconfig --cache"
                    " -C -w --workspace --location --fetch-retries --fetch-timeout --maxsockets"
                    " --install-strategy --script-shell"),
        lists=("/root/.npm",),
    ),
    Manager("yarn", ("yarn", "yarnpkg"), _set("install add"), clean=_set("cache"),
            locked=_set("--frozen-lockfile --immutable"),
            valued=_set("--cwd --registry --cache-folder --network-timeout --network-concurrency"
                        " --modules-folder --mutex --use-yarnrc"),
            lists=("/root/.cache/yarn", "/usr/local/share/.cache/yarn")),
    Manager("pnpm", ("pnpm",), _set("install i add"), clean=_set("store"),
            locked=_set("--frozen-lockfile"),
            valued=_set("--filter -F -C --dir --store-dir --registry --prefix --reporter")),
    Manager("bun", ("bun",), _set("install i add"), locked=_set("--frozen-lockfile")),
    Manager(
        "gem", ("gem",), _set("install i"), clean=_set("cleanup"),
        valued=_set("-v --version -i --install-dir -n --bindir -P --trust-policy -s --source"
                    " -B --build-root --platform -p --http-proxy --document"),
        pin=re.compile(r":\S|\.gem\Z|\$"),
    ),
    Manager("bundle", ("bundle", "bundler"), _set("install"), locked=_set("--frozen --deployment"),
            valued=_set("--path --without --with --jobs -j --retry --gemfile")),
    Manager("go", ("go",), _set("install get"), valued=_set("-C -mod -modfile -tags -ldflags -o -p"
            " -gcflags -asmflags -buildmode -exec -overlay -pkgdir -toolexec"),
            pin=re.compile(r"@(?!latest\Z).|\A\.|\A/|\$")),
    Manager("cargo", ("cargo",), _set("install"), locked=_set("--locked --frozen"),
            valued=_set("--version --git --branch --tag --rev --path --root --features -F --bin"
                        " --target --profile -j --jobs --registry --index")),
    Manager("composer", ("composer", "composer.phar"), _set("install require"),
            clean=_set("clear-cache clearcache"), yes=("-n", "--no-interaction"),
            valued=_set("-d --working-dir --prefer-install")),
    Manager("conda", ("conda", "mamba", "micromamba"), _set("install create"),
            clean=_set("clean"), yes=("-y", "--yes", "-q"),
            valued=_set("-c --channel -n --name -p --prefix -f --file")),
)  # fmt: skip
BY_PROGRAM = {program: manager for manager in MANAGERS for program in manager.programs}
_PYTHON = re.compile(r"python[0-9.]*\Z|pypy[0-9.]*\Z")
_PIP = re.compile(r"pip[0-9.]*\Z")
_GROUPS = frozenset({"module", "group", "groups", "pip", "global", "workspace", "tool"})


def call(command: Command) -> Call | None:
    """What a command asks of a package manager; None where it is none, or asks for nothing known."""
    command = unwrapped(command)
    # xx-apt-get and its like (tonistiigi/xx) install for the target platform
    program, words = command.program.removeprefix("xx-"), command.words
    if _PYTHON.match(program) and len(words) > 1 and words[0].value == "-m":
        program, words = words[1].value, words[2:]
    if program == "uv" and words and words[0].value == "pip":
        program, words = "pip", words[1:]
    manager = BY_PROGRAM.get("pip" if _PIP.match(program) else program)
    if manager is None:
        return None
    if manager.name == "pacman":
        return _by_option(manager, command, words)
    rest = _operands(words, manager.valued)
    if not rest:
        if manager.name == "yarn" and not command.has("--version", "-v", "--help"):
            return Call(manager, "install", (), command, _name(command))
        return None
    verb, packages, group = rest[0], rest[1:], ""
    if verb.value in _GROUPS and packages:
        group, verb, packages = verb.value, packages[0], packages[1:]
    action = _action(manager, verb.value)
    return Call(manager, action, packages, command, verb, group) if action else None


def _name(command: Command) -> Word:
    return Word(command.name, command.name, True, command.name_span)


def _action(manager: Manager, verb: str) -> str:
    for action in ("install", "update", "upgrade", "clean"):
        if verb in getattr(manager, action):
            return action
    return ""


def _by_option(manager: Manager, command: Command, words: tuple[Word, ...]) -> Call | None:
    """pacman says what it does with an option: -S, -Syu, -Scc."""
    for word in words:
        if word.value.startswith("-S"):
            rest = tuple(one for one in words if not one.value.startswith("-"))
            action = _action(manager, word.value.replace("q", ""))
            if rest and action in ("update", ""):
                action = "install"
            return Call(manager, action, rest, command, word) if action else None
    return None


def _operands(words: tuple[Word, ...], valued: frozenset[str]) -> tuple[Word, ...]:
    """The words that are no options and no option's value; `--` ends them (gem's build options)."""
    found: list[Word] = []
    skip = False
    for word in words:
        if skip:
            skip = False
        elif word.value == "--":
            break
        elif word.value.startswith("-") and len(word.value) > 1:
            skip = word.value in valued
        else:
            found.append(word)
    return tuple(found)


def assumes_yes(one: Call) -> bool:
    """Whether it goes on without an answer."""
    command, manager = one.command, one.manager
    if command.has(*manager.yes):
        return True
    if manager.name == "apt":
        quiet = sum(
            len(word.value) - 1 for word in command.words if re.fullmatch(r"-q+", word.value)
        )
        level = command.option("-q", "--quiet") or ""
        yes = (word.value for word in command.words if "Assume-Yes" in word.value)
        return (
            quiet > 1
            or level == "2"
            or sum(word.value == "--quiet" for word in command.words) > 1
            or any("true" in value.lower() or "=1" in value for value in yes)
        )
    return False


_REMOVES = _set("remove purge autoremove erase autopurge del rm")


def removes(command: Command) -> bool:
    """Whether a command of a system's package manager takes packages away."""
    command = unwrapped(command)
    manager = BY_PROGRAM.get(command.program)
    if manager is None or not manager.system:
        return False
    rest = _operands(command.words, manager.valued)
    return bool(rest) and rest[0].value in _REMOVES


_GIT = re.compile(r"git(?:\+[a-z]+)?:|git@|(?:github|gitlab|bitbucket|gist):|.*\.git(?:#|\Z)")
_MOVING = frozenset({"latest", "next", "canary", "beta", "nightly"})


def unpinned(one: Call) -> tuple[Word, ...]:
    """The packages that a call installs without a version; what comes from a variable is left out."""
    name = one.manager.name
    if one.action != "install" or one.verb.value in ("groupinstall", "builddep", "build-dep"):
        return ()
    if one.group in ("group", "groups") or (
        name == "pip" and one.command.has("-c", "--constraint")
    ):
        return ()
    if name == "gem" and one.command.has("-v", "--version"):
        return ()
    if one.group == "module":
        return tuple(word for word in one.packages if word.known and ":" not in word.value)
    pinned = _npm_pinned if name in ("npm", "yarn", "pnpm") else _pinned
    return tuple(
        word for word in one.packages if word.known and not pinned(one.manager, word.value)
    )


def _pinned(manager: Manager, package: str) -> bool:
    if not package or package.startswith(("@", "/")):
        return True  # a group, or a file that some package has: neither has a version
    return manager.pin is None or bool(manager.pin.search(package))


def _npm_pinned(manager: Manager, package: str) -> bool:
    """`name@1`, `@scope/name@1`, a folder, an archive, or a git address with a commit."""
    del manager
    if package.startswith((".", "/", "~", "file:")) or package.endswith(
        (".tgz", ".tar.gz", ".tar")
    ):
        return True
    if _GIT.match(package) or ("/" in package and not package.startswith("@")):
        return "#" in package or ("://" in package and not _GIT.match(package))
    version = package[1:].partition("@")[2]
    return bool(version) and version not in _MOVING

"""Package managers as one table: what installs, updates, cleans, locks and asks, for each of them."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Manager:
    """One package manager. Names of actions are its own; `valued` are options that take a value.

    `install`, `update`, `upgrade`, `remove` and `clean` are subcommands (options, for pacman);
    `yes` answers its questions. `lists` are the folders that hold what a clean build leaves out, `~`
    for the home of any user; `moves` are the options and variables that name another folder;
    `uncached` (options), `switches` (variables) and `settings` (in a script) turn the cache off.
    """

    name: str
    programs: tuple[str, ...]
    install: frozenset[str]
    update: frozenset[str] = frozenset()
    upgrade: frozenset[str] = frozenset()
    remove: frozenset[str] = frozenset()
    clean: frozenset[str] = frozenset()
    yes: tuple[str, ...] = ()
    valued: frozenset[str] = frozenset()
    uncached: tuple[str, ...] = ()
    switches: tuple[str, ...] = ()
    settings: re.Pattern[str] | None = None
    lists: tuple[str, ...] = ()
    moves: tuple[str, ...] = ()
    locked: frozenset[str] = frozenset()
    pin: re.Pattern[str] | None = None
    system: bool = False


def _set(text: str) -> frozenset[str]:
    return frozenset(text.split())


_RPM_VERBS = _set("install in localinstall reinstall rei groupinstall swap downgrade builddep")
_RPM_REMOVE = _set("remove rm erase autoremove")
_RPM_VALUED = _set(
    "--setopt --enablerepo --disablerepo --repo --repoid -x --exclude --installroot --releasever"
    " -c --config --comment --forcearch --advisory --bugfix -d -e -R --downloaddir --destdir"
    " --disableplugin --enableplugin --disableexcludes --color --bz --cve --sec-severity"
    " --rpmverbosity --repofrompath --debuglevel --errorlevel"
)
# A version stands at the end of the name: java-11-openjdk has none.
_VERSION_LAST = r"-\d[^-]*(?:-[^-\d*]*[\d*][^-]*)?\Z"
_RPM_PIN = re.compile(rf"{_VERSION_LAST}|-[^-]*[$]|\.rpm\Z|://|\A[^:]*:\d[^:]*-\d|\A[./~]")
_DNF = _set("upgrade up update distro-sync dsync system-upgrade upgrade-minimal")
_PIP_VALUED = _set(
    "-r --requirement -c --constraint -e --editable -i --index-url --extra-index-url"
    " -f --find-links -t --target --prefix --root --trusted-host --proxy --timeout --retries"
    " --platform --python-version --implementation --abi --upgrade-strategy --src --cert"
    " --no-binary --only-binary --progress-bar --global-option --install-option --log"
    " --build-option --config-settings -C --root-user-action --cache-dir --client-cert"
    " --exists-action --report --python --use-feature --use-deprecated --group -b --build"
    " --keyring-provider --resume-retries --uploaded-prior-to --default-timeout --config-setting"
    " -p --python-platform --index --default-index --index-strategy --link-mode --override"
)

MANAGERS = (
    Manager(
        "apt", ("apt-get", "apt", "aptitude"), _set("install build-dep satisfy reinstall"),
        update=_set("update"), upgrade=_set("upgrade dist-upgrade full-upgrade safe-upgrade"),
        remove=_set("remove purge autoremove autopurge"),
        clean=_set("clean distclean dist-clean autoclean"),
        yes=("-y", "--yes", "--assume-yes", "--force-yes"),
        valued=_set("-o --option -c --config-file -t --target-release --default-release -a -S"
                    " --host-architecture --solver"),
        lists=("/var/lib/apt/lists",), pin=re.compile(r"=|\.deb\Z|/|\A[.~]|\$"), system=True,
    ),
    Manager(
        "apk", ("apk",), _set("add"), update=_set("update"), upgrade=_set("upgrade"),
        remove=_set("del"), clean=_set("cache"),
        valued=_set("--repository -X -t --virtual -p --root --keys-dir --repositories-file"
                    " --arch --cache-dir --cache-max-age --wait --progress-fd --timeout"),
        uncached=("--no-cache",), lists=("/var/cache/apk", "/etc/apk/cache"),
        moves=("--cache-dir",), pin=re.compile(r"[=<>~]|\.apk\Z|\$"), system=True,
    ),
    Manager(
        "yum", ("yum",), _RPM_VERBS, update=_set("makecache check-update"),
        upgrade=_set("update upgrade update-minimal distro-sync"), remove=_RPM_REMOVE,
        clean=_set("clean"), yes=("-y", "--assumeyes"), valued=_RPM_VALUED,
        lists=("/var/cache/yum", "/var/cache/dnf"), pin=_RPM_PIN, system=True,
    ),
    Manager(
        "dnf", ("dnf", "microdnf", "dnf5", "tdnf"), _RPM_VERBS,
        update=_set("makecache check-update"), upgrade=_DNF, remove=_RPM_REMOVE,
        clean=_set("clean"), yes=("-y", "--assumeyes"), valued=_RPM_VALUED,
        lists=("/var/cache/dnf", "/var/cache/libdnf5", "/var/cache/yum"),
        pin=_RPM_PIN, system=True,
    ),
    Manager(
        "zypper", ("zypper",), _set("install in source-install si install-new-recommends inr"),
        update=_set("refresh ref"), upgrade=_set("update up dist-upgrade dup patch"),
        remove=_set("remove rm"), clean=_set("clean cc"),
        yes=("-n", "--non-interactive", "-y", "--no-confirm"),
        valued=_set("-r --repo --from -R --root --installroot -c --config -t --type --reposd-dir"
                    " --cache-dir --raw-cache-dir --solv-cache-dir --pkg-cache-dir --releasever"
                    " -p --plus-repo --plus-content --download --userdata"),
        lists=("/var/cache/zypp",), moves=("--cache-dir",),
        pin=re.compile(rf"[=<>~]|\.rpm\Z|\$|:\d|{_VERSION_LAST}"), system=True,
    ),
    Manager(
        "pacman", ("pacman", "yay", "paru"), _set("-S -U"), update=_set("-Sy -Syy"),
        upgrade=_set("-Su -Syu -Syyu"), remove=_set("-R -Rs -Rns"), clean=_set("-Scc -Sc"),
        yes=("--noconfirm",), lists=("/var/cache/pacman/pkg",), system=True,
    ),
    Manager(
        "pip", ("pip", "pip2", "pip3"), _set("install"), remove=_set("uninstall"),
        clean=_set("cache"), yes=("-y", "--yes"), valued=_PIP_VALUED,
        uncached=("--no-cache-dir", "--no-cache"), switches=("PIP_NO_CACHE_DIR",),
        settings=re.compile(r"no-cache-dir[\s=\"']+(?:true|yes|on|1)\b", re.IGNORECASE),
        lists=("~/.cache/pip",), moves=("--cache-dir", "PIP_CACHE_DIR"),
    ),
    Manager(
        "pip", ("uv pip",), _set("install sync"), remove=_set("uninstall"), clean=_set("cache"),
        valued=_PIP_VALUED, uncached=("--no-cache", "-n", "--no-cache-dir"),
        switches=("UV_NO_CACHE",), lists=("~/.cache/uv",), moves=("--cache-dir", "UV_CACHE_DIR"),
    ),
    Manager("pipx", ("pipx",), _set("install"), remove=_set("uninstall"),
            valued=_set("--python --index-url -i --pip-args --suffix --preinstall"),
            lists=("~/.cache/pip",)),
    Manager("uv", ("uv",), _set("sync add"), remove=_set("remove"), clean=_set("cache"),
            valued=_PIP_VALUED | _set("--extra --only-group --no-group --project --directory"
                                      " --package --config-file"),
            uncached=("--no-cache", "-n", "--no-cache-dir"), switches=("UV_NO_CACHE",),
            lists=("~/.cache/uv",), moves=("--cache-dir", "UV_CACHE_DIR"),
            locked=_set("--locked --frozen")),
    Manager("uv", ("uv tool",), _set("install"), upgrade=_set("upgrade"), remove=_set("uninstall"),
            valued=_PIP_VALUED | _set("--with --from"), lists=("~/.cache/uv",),
            uncached=("--no-cache", "-n", "--no-cache-dir"), switches=("UV_NO_CACHE",),
            moves=("--cache-dir", "UV_CACHE_DIR")),
    Manager("poetry", ("poetry",), _set("install add sync"), upgrade=_set("update"),
            remove=_set("remove"), clean=_set("cache"), yes=("-n", "--no-interaction"),
            valued=_set("-C --directory -P --project -E --extras --with --without --only --group"
                        " -G --source --python --platform"),
            uncached=("--no-cache",), lists=("~/.cache/pypoetry",), moves=("POETRY_CACHE_DIR",)),
    Manager(
        "npm", ("npm",),
        _set("install i in ins inst insta instal isnt isnta isntal isntall add ci clean-install"
             " install-clean"),
        upgrade=_set("update up upgrade"), remove=_set("uninstall rm remove un"),
        clean=_set("cache"), locked=_set("ci clean-install install-clean"),
        valued=_set("--registry --prefix --loglevel --omit --include --tag --userconfig --cache"
                    " -C -w --workspace --location --fetch-retries --fetch-timeout --maxsockets"
                    " --install-strategy --script-shell --only --cpu --os --libc --before --python"
                    " --node-options --globalconfig"),
        lists=("~/.npm",), moves=("--cache", "npm_config_cache", "NPM_CONFIG_CACHE"),
    ),
    Manager("yarn", ("yarn", "yarnpkg"), _set("install add"), upgrade=_set("upgrade up"),
            remove=_set("remove"), clean=_set("cache"),
            locked=_set("--frozen-lockfile --immutable"),
            valued=_set("--cwd --registry --cache-folder --network-timeout --network-concurrency"
                        " --modules-folder --mutex --use-yarnrc"),
            lists=("~/.cache/yarn", "/usr/local/share/.cache/yarn",
                   "/usr/local/share/.cache/yarn/v6"),
            moves=("--cache-folder", "YARN_CACHE_FOLDER")),
    Manager("pnpm", ("pnpm",), _set("install i add"), upgrade=_set("update up upgrade"),
            remove=_set("remove rm uninstall un"), clean=_set("store"),
            locked=_set("--frozen-lockfile"),
            valued=_set("--filter -F -C --dir --store-dir --registry --prefix --reporter"),
            lists=("~/.local/share/pnpm/store",), moves=("--store-dir",)),
    Manager("bun", ("bun",), _set("install i add"), remove=_set("remove rm"), clean=_set("pm"),
            locked=_set("--frozen-lockfile"), valued=_set("--cwd --registry --cache-dir --filter"),
            uncached=("--no-cache",), lists=("~/.bun/install/cache",),
            moves=("--cache-dir", "BUN_INSTALL_CACHE_DIR")),
    Manager(
        "gem", ("gem",), _set("install i"), upgrade=_set("update"), remove=_set("uninstall"),
        clean=_set("cleanup"),
        valued=_set("-v --version -i --install-dir -n --bindir -P --trust-policy -s --source"
                    " -B --build-root --platform -p --http-proxy --document -g --file --without"),
        pin=re.compile(r":\S|\.gem\Z|\$"),
    ),
    Manager("bundle", ("bundle", "bundler"), _set("install"), upgrade=_set("update"),
            clean=_set("clean"), locked=_set("--frozen --deployment"),
            valued=_set("--path --without --with --jobs -j --retry --gemfile")),
    Manager("go", ("go",), _set("install get"), clean=_set("clean"),
            valued=_set("-C -mod -modfile -tags -ldflags -o -p"
                        " -gcflags -asmflags -buildmode -exec -overlay -pkgdir -toolexec"),
            lists=("~/go/pkg/mod", "~/.cache/go-build", "/go/pkg/mod"),
            moves=("GOMODCACHE", "GOCACHE"), pin=re.compile(r"@(?!latest\Z).|\A\.|\A/|\$")),
    Manager("cargo", ("cargo",), _set("install"), remove=_set("uninstall"),
            locked=_set("--locked --frozen"),
            valued=_set("--version --vers --git --branch --tag --rev --path --root --features -F"
                        " --bin --target --profile -j --jobs --registry --index --config"),
            lists=("~/.cargo/registry", "/usr/local/cargo/registry")),
    Manager("composer", ("composer", "composer.phar"), _set("install i require"),
            upgrade=_set("update u upgrade"), remove=_set("remove"),
            clean=_set("clear-cache clearcache cc"), yes=("-n", "--no-interaction"),
            valued=_set("-d --working-dir --prefer-install --ignore-platform-req"),
            uncached=("--no-cache",), lists=("~/.composer/cache", "~/.cache/composer"),
            moves=("COMPOSER_CACHE_DIR",), locked=_set("install i")),
    Manager("conda", ("conda", "mamba", "micromamba"), _set("install create"),
            upgrade=_set("update upgrade"), remove=_set("remove uninstall"),
            clean=_set("clean"), yes=("-y", "--yes"),
            valued=_set("-c --channel -n --name -p --prefix -f --file --solver --platform --subdir"),
            lists=("/opt/conda/pkgs", "/opt/mamba/pkgs"), moves=("CONDA_PKGS_DIRS",),
            pin=re.compile(r"[=<>]|/|\$|\.(?:conda|tar\.bz2)\Z")),
)  # fmt: skip
BY_PROGRAM = {program: manager for manager in MANAGERS for program in manager.programs}

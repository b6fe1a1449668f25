"""What commands of package managers mean, as their own documentation says it."""

from __future__ import annotations

import pytest

from readiness.facts import package_versions, packages
from readiness.facts.managers import package_managers
from readiness.syntax import shell


def call_of(text: str) -> packages.PackageCall:
    found = packages.package_call(shell.parse_commands(text)[-1])
    assert found is not None
    return found


CALLS = [
    # every manager: install, update, upgrade, remove, clean
    ("apt-get -qq update", "apt", "update", ""),
    ("apt-get -yt bookworm-backports install x", "apt", "install", "x"),
    ("apt-get install -y -- x", "apt", "install", "x"),
    ("xx-apt-get install -y x", "apt", "install", "x"),
    ("aptitude safe-upgrade", "apt", "upgrade", ""),
    ("apt-get purge x", "apt", "remove", "x"),
    ("apt-get distclean", "apt", "clean", ""),
    ("apk add -Ut .build x", "apk", "install", "x"),
    ("apk --timeout 9 add x", "apk", "install", "x"),
    ("apk del .build", "apk", "remove", ".build"),
    ("yum --setopt=a=b update", "yum", "upgrade", ""),
    ("dnf --enablerepo crb install x", "dnf", "install", "x"),
    ("microdnf clean all", "dnf", "clean", "all"),
    ("dnf group install x", "dnf", "install", "x"),
    ("zypper -n --releasever 15 in x", "zypper", "install", "x"),
    ("zypper rm x", "zypper", "remove", "x"),
    ("pacman -Syu --noconfirm", "pacman", "upgrade", ""),
    ("pacman -Rns x", "pacman", "remove", "x"),
    ("python3 -u -m pip install x", "pip", "install", "x"),
    ("python -W ignore -m pip install x", "pip", "install", "x"),
    ("python -mpip install x", "pip", "install", "x"),
    ("pip install -Ur requirements.txt", "pip", "install", ""),
    ("pip3.12 cache purge", "pip", "clean", "purge"),
    ("uv pip sync requirements.txt", "pip", "install", "requirements.txt"),
    ("uv tool install x", "uv", "install", "x"),
    ("uv sync --frozen", "uv", "install", ""),
    ("pipx install x", "pipx", "install", "x"),
    ("poetry install --only main", "poetry", "install", ""),
    ("npm --prefix web ci", "npm", "install", ""),
    ("npm install -g -- x", "npm", "install", "x"),
    ("npm cache clean --force", "npm", "clean", "clean"),
    ("yarn --cwd web", "yarn", "install", ""),
    ("yarn workspace web add x", "yarn", "install", "x"),
    ("pnpm --filter web i", "pnpm", "install", ""),
    ("pnpm store prune", "pnpm", "clean", "prune"),
    ("bun install --frozen-lockfile", "bun", "install", ""),
    ("gem install -g Gemfile", "gem", "install", ""),
    ("gem install x -- --with-y=z", "gem", "install", "x"),
    ("bundle install --jobs 4", "bundle", "install", ""),
    ("go install -tags x example.com/y@v1", "go", "install", "example.com/y@v1"),
    ("go clean -modcache", "go", "clean", ""),
    ("cargo install --git https://example.com/x", "cargo", "install", ""),
    ("composer install --no-dev", "composer", "install", ""),
    ("composer clear-cache", "composer", "clean", ""),
    ("micromamba install -yn base x", "conda", "install", "x"),
    ("conda env create -f x.yml", "conda", "install", ""),
    ("conda clean -afy", "conda", "clean", ""),
]  # fmt: skip


@pytest.mark.parametrize(("text", "manager", "action", "names"), CALLS)
def test_calls(text: str, manager: str, action: str, names: str) -> None:
    found = call_of(text)
    assert (found.manager.name, found.action) == (manager, action)
    assert " ".join(word.value for word in found.packages) == names


def test_every_manager_is_called_above() -> None:
    assert {one.name for one in package_managers()} == {name for _, name, _, _ in CALLS}


@pytest.mark.parametrize(
    "text",
    ["command -v apt-get", "which pip", "echo apt-get install x", "npm run build", "go build ./...",
     "python -m venv x", "python manage.py install", "yarn --version", "pip", "apt-get"],
)  # fmt: skip
def test_no_calls(text: str) -> None:
    assert packages.package_call(shell.parse_commands(text)[-1]) is None


@pytest.mark.parametrize(
    ("text", "yes"),
    [
        ("apt-get install -yq x", True),
        ("apt-get -fqq install x", True),  # quiet twice means yes: apt-get(8)
        ("apt-get -q --quiet install x", True),
        ("apt-get -q=2 install x", True),
        ("apt-get install -q 2 x", False),  # 2 is a package
        ("apt-get -q install x", False),
        ("apt-get -o APT::Get::Assume-Yes=true install x", True),
        ("apt-get -oAPT::Get::Assume-Yes=1 install x", True),
        ("apt-get -o APT::Get::Assume-Yes=false install x", False),
        ("apt-get install -t y x", False),
        ("dnf --setopt=assumeyes=1 install x", True),
        ("dnf install --setopt assumeyes=0 x", False),
        ("yum install -x y x", False),
        ("zypper -n in x", True),
        ("zypper in --no-confirm x", True),
        ("pacman -S --noconfirm x", True),
        ("conda install -q x", False),
        ("composer require -n x", True),
    ],
)
def test_answers(text: str, yes: bool) -> None:
    assert packages.may_run_without_confirmation(call_of(text)) is yes


@pytest.mark.parametrize(
    ("install", "package", "pinned"),
    [
        ("apt-get install", "x=1.2-3", True),
        ("apt-get install", "x/stable", True),
        ("apt-get install", "x:arm64", False),
        ("apk add", "x~=1.2", True),
        ("apk add", "x@edge", False),
        ("dnf install", "x-1.2-3.el9", True),
        ("dnf install", "java-11-openjdk", False),  # a name, and no version
        ("dnf install", "gcc-toolset-13-gcc", False),
        ("dnf install", "'php-8.*'", True),
        ("dnf install", "@core", True),  # groups have no version
        ("zypper in", "java-17-openjdk", False),
        ("zypper in", "x=1", True),
        ("pip install", "'x>=1,<2'", True),
        ("pip install", "'x[y]'", False),
        ("pip install", "'x; python_version < \"3.9\"'", False),
        ("pip install", "./x", True),
        ("pip install", "vendor/x", True),
        ("pip install", "x.whl", True),
        ("pip install", "git+https://github.com/a/b", False),
        ("pip install", "git+https://github.com/a/b@v1#egg=b", True),
        ("pip install", "git+https://user:token@github.com/a/b", False),
        ("pip install", "git+ssh://git@github.com/a/b@v1", True),
        ("pip install", "'b @ git+https://github.com/a/b'", False),
        ("pip install", "'b @ https://example.com/b.whl'", True),
        ("npm install", "x@1", True),
        ("npm install", "@s/x", False),
        ("npm install", "@s/x@^1", True),
        ("npm install", "x@latest", False),
        ("npm install", "a/b", False),
        ("npm install", "a/b#v1", True),
        ("npm install", "https://github.com/a/b", False),
        ("npm install", "https://example.com/x.tgz", True),
        ("npm install", "file:../x", True),
        ("gem install", "x:1", True),
        ("gem install", "x", False),
        ("conda install", "x=1.2", True),
    ],
)
def test_versions(install: str, package: str, pinned: bool) -> None:
    found = package_versions.unpinned_packages(call_of(f"{install} {package}"))
    assert (not found) is pinned


def test_options_that_pin_all() -> None:
    for text in ("pip install -c c.txt x", "pip install -qc c.txt x", "gem install x -v 1"):
        assert package_versions.unpinned_packages(call_of(text)) == ()
    assert package_versions.unpinned_packages(call_of("pip install -e . x"))

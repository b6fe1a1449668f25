"""nginx files that are mounted or copied into images: which of them one server reads, and what lies out of sight."""

from __future__ import annotations

import pytest

from readiness.kinds.nginx.homes import containers_of_configurations
from tests.checks.project.test_project import project
from tests.kinds.compose.test_units import Files, found

MAIN = "events {}\nhttp {\n    include /etc/nginx/conf.d/*.conf;\n}\n"
SITE = "server {\n    listen 80;\n    server_name shop.example.com;\n    location / { root /srv; }\n}\n"
SECURE = "server {\n    listen 443 ssl;\n    ssl_certificate /c.pem;\n    ssl_certificate_key /k.pem;\n    location / { root /srv; }\n}\n"
PLAIN = "server {\n    listen 80;\n    location / { root /srv; }\n}\n"


def mounts(**services: list[str]) -> str:
    """A compose file whose services mount files: container path after the colon."""
    lines = ["services:"]
    for name, some in services.items():
        lines += [f"  {name}:", "    image: nginx:1.29.1", "    volumes:"]
        lines += [f"      - {one}" for one in some]
    return "\n".join(lines) + "\n"


def copies(*pairs: tuple[str, str]) -> str:
    return "FROM nginx:1.29.1\n" + "".join(f"COPY {one} {two}\n" for one, two in pairs)


D, N = "/etc/nginx/conf.d", "/etc/nginx/nginx.conf"
HOMES: dict[str, tuple[Files, str, set[str]]] = {
    "a file that is mounted": (
        {"compose.yaml": mounts(web=[f"./a.conf:{D}/default.conf:ro"])},
        "a.conf",
        {"compose.yaml#web"},
    ),
    "a folder that is mounted": (
        {"compose.yaml": mounts(web=[f"./conf:{D}"])},
        "conf/a.conf",
        {"compose.yaml#web"},
    ),
    "mounted twice": (
        {"compose.yaml": mounts(a=[f"./a.conf:{D}/a.conf"], b=[f"./a.conf:{D}/a.conf"])},
        "a.conf",
        {"compose.yaml#a", "compose.yaml#b"},
    ),
    "mounted elsewhere": ({"compose.yaml": mounts(web=["./a.conf:/data/a.conf"])}, "a.conf", set()),
    "copied": (
        {"web/Dockerfile": copies(("a.conf", f"{D}/a.conf"))},
        "web/a.conf",
        {"web/Dockerfile"},
    ),
    "copied from the root": (
        {"docker/Dockerfile": copies(("conf/", f"{D}/"))},
        "conf/a.conf",
        {"docker/Dockerfile"},
    ),
    "copied into the image of a service": (
        {
            "compose.yaml": f"services:\n  web:\n    build: web\n    volumes: ['./b.conf:{D}/b.conf']\n",
            "web/Dockerfile": copies(("a.conf", f"{D}/a.conf")),
        },
        "b.conf",
        {"web/Dockerfile"},
    ),
    "copied from another stage": (
        {"Dockerfile": "FROM x AS a\nFROM nginx:1.29.1\nCOPY --from=a a.conf /etc/nginx/a.conf\n"},
        "a.conf",
        set(),
    ),
}


@pytest.mark.parametrize(("files", "path", "homes"), HOMES.values(), ids=HOMES)
def test_homes(files: Files, path: str, homes: set[str]) -> None:
    made = containers_of_configurations(project({**files, path: SITE}))
    assert made.containers_holding(path) == homes


NAME, REDIRECT = "nginx/server-name-conflicting", "nginx/https-redirect-missing"
TOGETHER: dict[str, tuple[Files, bool]] = {
    "one container": (
        {"compose.yaml": mounts(web=[f"./m.conf:{N}", f"./a.conf:{D}/a.conf", f"./b.conf:{D}/b.conf"])},
        True,
    ),
    "two containers": (
        {
            "compose.yaml": mounts(
                a=[f"./m.conf:{N}", f"./a.conf:{D}/a.conf"],
                b=[f"./m.conf:{N}", f"./b.conf:{D}/b.conf"],
            )
        },
        False,
    ),
    "nothing tells: alternatives of one folder": ({}, False),
    "one image": (
        {"Dockerfile": copies(("m.conf", N), ("a.conf", f"{D}/a.conf"), ("b.conf", f"{D}/b.conf"))},
        True,
    ),
}  # fmt: skip


@pytest.mark.parametrize(("files", "told"), TOGETHER.values(), ids=TOGETHER)
def test_servers_of_one_name(files: Files, told: bool) -> None:
    places = found({**files, "m.conf": MAIN, "a.conf": SITE, "b.conf": SITE}, NAME)
    assert places == ({("b.conf", 3)} if told else set())


@pytest.mark.parametrize(("files", "told"), TOGETHER.values(), ids=TOGETHER)
def test_servers_without_a_name(files: Files, told: bool) -> None:
    places = found({**files, "m.conf": MAIN, "a.conf": SECURE, "b.conf": PLAIN}, REDIRECT)
    assert places == ({("b.conf", 2)} if told else set())


def test_one_file_is_always_one_server() -> None:
    assert found({"m.conf": MAIN, "a.conf": SITE + SITE}, NAME) == {("a.conf", 8)}
    assert found({"m.conf": MAIN, "a.conf": SECURE + PLAIN}, REDIRECT) == {("a.conf", 8)}


def test_a_tree_that_mirrors_the_server_is_one() -> None:
    files = {"nginx/nginx.conf": MAIN, "nginx/conf.d/a.conf": SITE, "nginx/conf.d/b.conf": SITE}
    assert found(files, NAME) == {("nginx/conf.d/b.conf", 3)}


def test_images_of_two_folders() -> None:
    files = {
        "a/Dockerfile": copies(("nginx.conf", N), ("site.conf", f"{D}/site.conf")),
        "a/nginx.conf": MAIN,
        "a/site.conf": SECURE,
        "b/Dockerfile": copies(("site.conf", f"{D}/site.conf")),
        "b/site.conf": PLAIN,
    }
    assert found(files, REDIRECT) == set()


UNSEEN = {
    "a snippet": ("include /etc/nginx/snippets/headers.conf;", False),
    "a relative one": ("include snippets/headers.conf;", False),
    "of a distribution": ("include /etc/nginx/proxy_params;", False),
    "of nginx itself": ("include fastcgi_params;", True),
    "types of files": ("include mime.types;", True),
    "nothing": ("", True),
}


@pytest.mark.parametrize(("line", "told"), UNSEEN.values(), ids=UNSEEN)
@pytest.mark.parametrize(
    ("rule", "own"),
    [
        ("nginx/header-lost", 'add_header Cache-Control "no-store";'),
        ("nginx/proxy-header-lost", "proxy_set_header X-A 1; proxy_pass http://127.0.0.1:9000;"),
        ("nginx/allow-without-deny", "allow 10.0.0.0/8;"),
    ],
)
def test_what_an_unseen_include_may_hold(rule: str, own: str, line: str, told: bool) -> None:
    text = (
        "events {}\nhttp {\nadd_header X-Frame-Options DENY always;\nproxy_set_header X-B 1;\n"
        f"server {{\nlisten 80;\nlocation / {{\n{line}\n{own}\n}}\n}}\n}}\n"
    )
    assert bool(found({"nginx.conf": text}, rule)) is told


def test_a_seen_include_is_followed() -> None:
    site = "events {}\nhttp {\nadd_header X-Frame-Options DENY always;\nserver {\nlisten 80;\nlocation / {\n"
    site += 'include snippets/own.conf;\nadd_header Cache-Control "no-store";\n}\n}\n}\n'
    files = {"nginx.conf": site, "snippets/own.conf": "add_header X-Own 1;\n"}
    assert found(files, "nginx/header-lost")
    files["snippets/own.conf"] += "add_header X-Frame-Options DENY always;\n"
    assert not found(files, "nginx/header-lost")

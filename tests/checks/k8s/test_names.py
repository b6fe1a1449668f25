"""Names that the API server refuses, and what is wrong with each: its characters, or nothing but its length."""

from __future__ import annotations

from pathlib import Path

import pytest

import readiness
from tests.make import write_files

POD = "apiVersion: v1\nkind: Pod\nmetadata: {{name: web}}\nspec: {{containers: [{{name: {}, image: 'registry.example.com/web:1.4'}}]}}\n"


def messages(root: Path, text: str, rule: str) -> list[str]:
    write_files(root, {"a.yaml": text})
    return [one.message for one in readiness.check([root], select=[rule], base=root).findings if one.rule == rule]


def object_text(kind: str, name: str) -> str:
    return f"apiVersion: v1\nkind: {kind}\nmetadata: {{name: {name}}}\n"


@pytest.mark.parametrize(("kind", "length"), [("Service", 63), ("Namespace", 63), ("ConfigMap", 253)])
def test_an_object_whose_name_is_too_long(tmp_path: Path, kind: str, length: int) -> None:
    fitting = "web-" * (length // 4) + "x" * (length % 4)
    fitting = fitting[:-1] + "x"
    assert messages(tmp_path, object_text(kind, fitting), "k8s/name-invalid") == []
    (message,) = messages(tmp_path, object_text(kind, fitting + "abc"), "k8s/name-invalid")
    assert message.endswith(f"it has {length + 3} characters, and at most {length} are allowed")


@pytest.mark.parametrize("name", ["a" * 70 + "_", "A" * 70, "web_api", "a" * 64 + ".b"])
def test_an_object_whose_name_has_other_characters(tmp_path: Path, name: str) -> None:
    (message,) = messages(tmp_path, object_text("Service", name), "k8s/name-invalid")
    assert message.endswith("only lower-case letters, digits and hyphens are allowed")


def test_a_container_whose_name_is_too_long(tmp_path: Path) -> None:
    (message,) = messages(tmp_path, POD.format("a" * 66), "k8s/container-name-invalid")
    assert message.endswith("it has 66 characters, and at most 63 are allowed")
    (message,) = messages(tmp_path, POD.format("web_app"), "k8s/container-name-invalid")
    assert message.endswith("only lower-case letters, digits and - are allowed")
    assert messages(tmp_path, POD.format("a" * 63), "k8s/container-name-invalid") == []

"""Templates to manifests that remember their template: charts are foreign code, so they render in a process of their own."""

KUSTOMIZATION_FILENAMES = frozenset({"kustomization.yaml", "kustomization.yml", "Kustomization"})


def is_kustomization_path(path: str) -> bool:
    """Whether a path is that of a kustomization."""
    return path.rpartition("/")[2] in KUSTOMIZATION_FILENAMES

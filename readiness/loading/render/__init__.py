"""Templates to manifests that remember their template: charts are foreign code, so they render in a process of their own."""

OVERLAYS = frozenset({"kustomization.yaml", "kustomization.yml", "Kustomization"})

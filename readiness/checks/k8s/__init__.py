"""Checks of Kubernetes manifests, one module a topic."""

"""Checks of Dockerfiles, by topic."""

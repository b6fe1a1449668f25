"""Checks of nginx configuration, by topic."""

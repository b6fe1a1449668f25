"""Checks that join kinds: what a build makes, what runs it, what stands in front of it and what deploys it."""

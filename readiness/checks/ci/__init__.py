"""Checks over CI: GitHub workflows and actions, Dependabot, GitLab."""

"""Checks: plain functions from a subject to hits."""

"""Overlays, built here: every value knows the file and the operation that it was written by."""

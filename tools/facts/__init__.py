"""Generators of facts: each reads a source that can be had as files, and writes one file under readiness/facts.

They ask no network and no clock. How to get the input, and which day it is of, stands at the head of each; the same input gives
the same bytes. `python -m tools.facts.<name> --help` says what it takes.
"""

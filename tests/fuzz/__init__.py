"""Random inputs for the parsers and for the whole check: `python -m tests.fuzz KIND --minutes N` (docs/fuzzing.md)."""

"""The rules there are: their files, the examples in them, and which of them a run holds."""

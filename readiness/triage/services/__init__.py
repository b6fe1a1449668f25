"""The services of a run, and which finding belongs to which."""

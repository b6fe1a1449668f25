"""From paths to parsed documents: the walk, kinds, rendering, and what could not be read."""

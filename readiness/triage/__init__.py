"""Which findings count: comments, annotations, waivers, baselines, and other linters' comments."""

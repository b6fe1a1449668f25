"""Trees that grow in one thing, and how much more work they are."""

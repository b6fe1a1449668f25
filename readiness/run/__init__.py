"""One run: rules held against documents, in one process or several, or out of the cache."""

"""What may be wrong with compose files."""

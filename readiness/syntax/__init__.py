"""Languages with places: every value knows where it stands."""

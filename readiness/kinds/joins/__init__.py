"""What joins files of several kinds: which build makes which image, and what a step names."""

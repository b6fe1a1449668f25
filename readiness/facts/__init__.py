"""What is known of the world: images, package managers, programs, each with its source."""

"""What GitHub Actions and GitLab CI have in common."""

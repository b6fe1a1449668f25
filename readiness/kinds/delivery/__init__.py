"""What the jobs of a pipeline do: test, build, publish, deploy, watch, roll back."""

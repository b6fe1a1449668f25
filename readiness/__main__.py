"""`python -m readiness`."""

from readiness.cli import main

main(prog_name="readiness")

"""The command line: flags in, reports and an exit code out."""

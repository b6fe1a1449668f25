"""Other programs, asked on request: what they say comes in as findings like all others."""


class ShellcheckError(Exception):
    """ShellCheck was asked for and cannot be had; the message says what to do."""

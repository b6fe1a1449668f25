"""The version, where every module can read it without asking the package's public face."""

__version__ = "0.1.0"

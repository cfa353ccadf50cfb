"""ovstools: turn servers and shared storage into a highly available server pool."""

__version__ = "0.1.0"

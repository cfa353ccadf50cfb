"""The operator's commands: they read the pool file system, edit its files and ask the master."""

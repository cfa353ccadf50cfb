"""The files of the pool file system: bytes <-> values, pure."""

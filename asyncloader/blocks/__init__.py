"""Bytes of a source → blocks that end where a record ends. Pure: no I/O, no waiting."""

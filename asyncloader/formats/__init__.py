"""Bytes and Arrow batches → blocks of whole records → columns of text. Pure: no I/O, no waiting."""

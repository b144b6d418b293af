"""Blocks of bytes → columns of text, and the rows that cannot be told apart. Pure."""

"""Columns of text → DynamoDB JSON of every item, its size, its key. Pure; the heavy parts release the GIL."""

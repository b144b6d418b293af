"""Columns of text → the DynamoDB JSON, the size and the key of every item. Pure; the heavy parts release the GIL."""

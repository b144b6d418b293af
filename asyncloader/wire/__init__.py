"""Batches → BatchWriteItem requests → answers, over a connection of one's own or through aioboto3."""

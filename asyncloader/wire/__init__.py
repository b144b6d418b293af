"""Batches → BatchWriteItem requests → results, over connections of our own or through aioboto3."""

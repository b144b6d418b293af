"""Loads into servers that others wrote, read back with plain boto3."""

"""Putting: single items from services, from the put to its acknowledgement."""

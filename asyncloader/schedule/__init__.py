"""Encoded blocks → batches whose keys are in no other request, and what to do when one comes back. Pure."""

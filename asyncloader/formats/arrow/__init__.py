"""Arrow record batches, from frames, as columns of text."""

"""Files, streams, frames and iterators: what is read, as chunks of UTF-8 bytes, Arrow batches or items."""

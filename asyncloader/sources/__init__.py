"""Files and streams → chunks of UTF-8 bytes, decompressed, with their place in the source."""

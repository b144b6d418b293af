"""CSV: the grammar of a record, the header, cutting at record ends, decoding by Arrow."""

"""Reading: sources → rounds of blocks → encoded blocks, each split in the order of the file."""

"""Reading: sources → rounds of blocks → encoded blocks, each lane in the order of the file."""

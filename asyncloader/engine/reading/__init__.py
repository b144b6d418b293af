"""Reading: sources → blocks of every split → encoded blocks, each split in the order of the file."""

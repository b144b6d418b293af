"""What a load keeps on disk beside the table: the journal with its checkpoints, and the reject file."""

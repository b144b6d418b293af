"""What a load writes beside the table: the reject file and the journal."""

"""What a source would become, counted without writing it: keys, sizes, columns, capacity, cost, advice. Pure."""

"""What a load would do, counted without writing anything: rejects, capacity, cost, time, advice."""

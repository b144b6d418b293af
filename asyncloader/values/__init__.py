"""What every stage may know: errors, settings, the shape of a table and the result. No behaviour, no I/O."""

"""The pure core, one behaviour at a time."""

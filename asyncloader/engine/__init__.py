"""The engine: an asyncio queue of batches, the writers that drain it, and the load that feeds it."""

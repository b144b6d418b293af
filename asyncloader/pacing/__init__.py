"""Numbers only: rates, limits, windows and estimates that say when a request may be sent. Pure; knows no batch."""

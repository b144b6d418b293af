"""Gates: what every request passes before it is sent, each one learning from what became of it."""

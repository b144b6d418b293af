"""Encoded blocks and single puts → batches of up to 25 items; which keys are in flight; what must be sent again. Pure."""

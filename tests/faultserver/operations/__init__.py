"""The operations that the server knows, one function each from a decoded request to a decoded answer."""

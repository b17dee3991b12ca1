"""The surfaces: what clients send and get, over the real service."""

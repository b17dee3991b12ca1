"""The HTTP surface, over real sockets where something streams."""

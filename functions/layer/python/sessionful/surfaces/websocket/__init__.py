"""The WebSocket surface: many turns on one connection, whether it is a socket of this process or a gateway's."""

"""The HTTP surface: sessions, turns and their streams as FastAPI routes over a service."""

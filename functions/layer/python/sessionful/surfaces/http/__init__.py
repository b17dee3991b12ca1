"""The HTTP surface: sessions, turns and their streams as FastAPI routes over a service."""

from sessionful.surfaces.http.app import create_app

__all__ = ["create_app"]

"""Stateful agent sessions on stateless functions."""

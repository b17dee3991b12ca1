"""Alarms: queues that wake a worker later, and the worker that they wake."""

"""The dialects of server-sent events, as functions from events to bytes."""

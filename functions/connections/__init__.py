"""The WebSocket API: connections as rows of the table, frames as events, and answers that a worker posts."""

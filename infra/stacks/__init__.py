"""Data, service and WebSocket: three stacks, each of which only looks at the ones before it."""

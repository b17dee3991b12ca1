"""The Python SDK: Agent and Session, with a synchronous face over the asynchronous core."""

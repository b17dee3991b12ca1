"""What a debugging reader is told besides the turn itself."""

from sessionful.domain.event import AnyEvent, Cursor, StepCompleted, TurnStarted


def facts(cursor: Cursor, event: AnyEvent) -> dict[str, str | int]:
    """By name, in the order they are shown. The memory's size is that of the prompt, as the model counted it."""
    if isinstance(event, TurnStarted):
        return {"Session": event.session_id, "Message": cursor.turn}
    if isinstance(event, StepCompleted):
        spent = event.usage
        return {
            "Memory": f"{spent.input_tokens} tokens",
            "Response": f"{spent.output_tokens} tokens, {event.stop_reason}",
        }
    return {}

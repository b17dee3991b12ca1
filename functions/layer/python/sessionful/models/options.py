"""A request's options in a vendor's spelling."""

from collections.abc import Mapping
from typing import Any

from sessionful.domain.error import InvalidRequest


def spelled(vendor: str, names: Mapping[str, str], *layers: Mapping[str, Any]) -> dict[str, Any]:
    """The options of all layers, a later one over an earlier; None takes one away. Raises InvalidRequest for an option
    that is not among `names`: dropped in silence, it would seem to work."""
    merged: dict[str, Any] = {}
    for layer in layers:
        merged.update(layer)
    unknown = sorted(merged.keys() - names.keys())
    if unknown:
        raise InvalidRequest(
            f"{vendor} has no option {unknown[0]!r}", field=f"options.{unknown[0]}", known=sorted(names)
        )
    if isinstance(merged.get("stop"), str):
        merged["stop"] = [merged["stop"]]
    return {names[key]: value for key, value in merged.items() if value is not None}

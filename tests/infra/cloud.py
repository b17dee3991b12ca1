"""Templates as they are written, and questions to them."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from infra.app import build, new_app
from infra.deployment import load
from infra.packaging import Assets

EXAMPLES = Path(__file__).parents[2] / "infra" / "examples"
DOORS = ("sessions", "messages", "stream", "websocket", "worker", "curator")

Resource = dict[str, Any]
Statement = dict[str, Any]


class Cloud(NamedTuple):
    """`folder` holds what was written; the others are its templates."""

    folder: Path
    data: dict[str, Any]
    service: dict[str, Any]
    websocket: dict[str, Any]

    @property
    def templates(self) -> list[dict[str, Any]]:
        return [self.data, self.service, self.websocket]

    @property
    def files(self) -> list[Path]:
        return sorted(self.folder.glob("*.template.json"))

    def all(self, kind: str) -> list[Resource]:
        """The properties of the resources of this type, as `Lambda::Function`."""
        return [resource["Properties"] for resource in self.resources() if resource["Type"] == f"AWS::{kind}"]

    def resources(self) -> Iterator[Resource]:
        for template in self.templates:
            yield from template["Resources"].values()

    def function(self, door: str) -> Resource:
        template = self.websocket if door == "websocket" else self.service
        found: Resource = template["Resources"][f"{door.capitalize()}Function"]["Properties"]
        return found

    def rights(self, door: str) -> list[Statement]:
        """What the door's role may do, from the policies of all the stacks."""
        role = self.function(door)["Role"]["Fn::GetAtt"][0]
        found: list[Statement] = []
        for policy in self.all("IAM::Policy"):
            if any(role in text(holder) for holder in policy["Roles"]):
                found += policy["PolicyDocument"]["Statement"]
        return found

    def allowed(self, door: str, service: str) -> dict[str, set[str]]:
        """The resources by action, of the actions of one AWS service."""
        found: dict[str, set[str]] = {}
        for statement in self.rights(door):
            for action in listed(statement["Action"]):
                if action.startswith(f"{service}:"):
                    found.setdefault(action, set()).update(text(one) for one in listed(statement["Resource"]))
        return found


def synthesised(settings: Path, uploads: Assets, folder: Path) -> Cloud:
    app = new_app(str(folder))
    stacks = build(app, load(settings), uploads)
    app.synth()
    return Cloud(folder, *(json.loads((folder / stack.template_file).read_text()) for stack in stacks))


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def text(value: Any) -> str:
    """A value with its references spelled out, to compare and to search."""
    if isinstance(value, dict):
        ((function, argument),) = value.items()
        parts = argument[1] if function == "Fn::Join" else argument
        joined = "".join if function == "Fn::Join" else ".".join
        return joined(text(part) for part in listed(parts))
    return str(value)

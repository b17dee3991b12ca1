"""What a message asks of the torture's model: for each step so many words, and then calls of these tools.

It is written into the message itself, `#tag [12 pay note | 30]`, so that the model needs no memory of its own.
"""

import re
from typing import NamedTuple

_PLAN = re.compile(r"#(\S+) \[([^\]]*)\]")


class StepPlan(NamedTuple):
    words: int
    tools: tuple[str, ...] = ()


Plan = tuple[StepPlan, ...]


def write_message(tag: str, plan: Plan) -> str:
    steps = " | ".join(" ".join([str(step.words), *step.tools]) for step in plan)
    return f"#{tag} [{steps}]"


def tags(text: str) -> list[str]:
    """Messages that nobody answered may have been merged into one."""
    return [match[1] for match in _PLAN.finditer(text)]


def read_plan(text: str) -> Plan:
    """Of the last message in the text."""
    steps = []
    for step in _PLAN.findall(text)[-1][1].split("|"):
        words, *tools = step.split()
        steps.append(StepPlan(int(words), tuple(tools)))
    return tuple(steps)

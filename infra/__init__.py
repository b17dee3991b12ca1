"""What is deployed to AWS, as CDK stacks.

The CDK library runs on Node, and has to be told which before it is first imported: that is here.
"""

import os

from infra.node import command

if (_node := command("node")) is not None:
    os.environ.setdefault("JSII_NODE", _node[0])

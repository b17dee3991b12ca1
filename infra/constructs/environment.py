"""What every door is told by its environment."""

import json

from aws_cdk import aws_sqs as sqs

from infra.constructs.store import Store
from infra.deployment import Deployment


def environment(deployment: Deployment, store: Store, queue: sqs.IQueue) -> dict[str, str]:
    settings = deployment.settings
    return {
        "SESSIONFUL_CONFIG": "/opt/agents.yaml",
        "SESSIONFUL_STORE": f"dynamodb:{store.table}?bucket={store.bucket}&memories={store.memories}",
        "SESSIONFUL_ALARMS": f"sqs:{queue.queue_url}",
        "SESSIONFUL_AUTH": deployment.access,
        "SESSIONFUL_IAM_OWNER": settings.iam_owner,
        "SESSIONFUL_ORIGINS": ",".join(settings.origins),
        "SESSIONFUL_SECRETS": json.dumps(settings.secrets),
        "POWERTOOLS_SERVICE_NAME": "sessionful",
        "POWERTOOLS_METRICS_NAMESPACE": "sessionful",
        "POWERTOOLS_LOG_LEVEL": settings.log_level,
    }

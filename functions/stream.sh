#!/bin/bash
# The handler of the door `stream`: the Lambda Web Adapter starts it and speaks HTTP with it.
set -eu
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# What the runtime would have put in the way of imports: the doors, the layers, and last what Lambda brings itself.
export PYTHONPATH="$PWD:/opt/python${PYTHONPATH:+:$PYTHONPATH}${LAMBDA_RUNTIME_DIR:+:$LAMBDA_RUNTIME_DIR}"

# A connection is kept for longer than the adapter keeps it (4 s): it never sends on one that is being closed here.
exec python -m uvicorn functions.stream:app \
    --host 127.0.0.1 --port "${AWS_LWA_PORT:-${PORT:-8080}}" --workers 1 \
    --loop asyncio --http h11 --ws none --lifespan off \
    --no-access-log --log-level warning --no-server-header --no-proxy-headers \
    --timeout-keep-alive 75 --timeout-graceful-shutdown 1

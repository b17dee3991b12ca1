"""What every test stands on."""

import signal

# A run in the background may have these ignored, and every program it starts would inherit that: give them back.
for _number, _handler in [
    (signal.SIGINT, signal.default_int_handler),
    (signal.SIGTERM, signal.SIG_DFL),
    (signal.SIGHUP, signal.SIG_DFL),
]:
    if signal.getsignal(_number) is signal.SIG_IGN:
        signal.signal(_number, _handler)

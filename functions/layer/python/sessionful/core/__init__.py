"""The conversation itself: agents, sessions, turns, the loop. No vendor and no I/O of its own."""

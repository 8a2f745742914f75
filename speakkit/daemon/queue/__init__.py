"""The speech queue: a state machine without clock, thread or socket that decides what is spoken next."""

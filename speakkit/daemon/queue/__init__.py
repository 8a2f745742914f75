"""Whose utterance is spoken next: a state machine without clock, thread or socket."""

"""The daemon as a process: how it starts, claims its socket, logs and ends."""

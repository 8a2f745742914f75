"""The per-user daemon: one voice at a time."""

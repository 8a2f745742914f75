"""The per-user daemon: it queues speech requests of all clients, and plays one utterance at a time."""

"""Sound out of the speakers."""

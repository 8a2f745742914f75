"""Processes that hold an engine: started afresh, spoken to in frames, replaced when they fail."""

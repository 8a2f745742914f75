"""Worker processes that hold an engine, communicate in frames, and are replaced if they fail."""

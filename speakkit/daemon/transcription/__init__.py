"""Has the speech of clients recognized by a process that stays loaded, beside the one that speaks."""

"""Audio playback: the player, its sinks, and pausing other media players."""

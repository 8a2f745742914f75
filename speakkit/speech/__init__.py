"""From the user's text to audio."""

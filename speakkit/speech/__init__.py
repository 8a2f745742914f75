"""Text to audio: the speech pipeline, captions and explanations."""

"""Text processing, from strings to strings: no audio, no models."""

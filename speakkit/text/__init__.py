"""Strings in, strings out: no audio, no models."""

"""Kokoro's network, StyleTTS 2 (arXiv:2306.07691), on torch alone: `network` is the whole, the rest its parts."""

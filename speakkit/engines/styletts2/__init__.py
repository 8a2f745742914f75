"""The network of Kokoro, StyleTTS 2 (arXiv:2306.07691), on torch alone: `network` is all of it, the rest its parts."""

"""From the queue to the audio device: synthesis jobs, the worker process that computes them, and playback."""

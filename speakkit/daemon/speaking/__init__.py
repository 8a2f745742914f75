"""From the queue to the loudspeaker: synthesis jobs, the worker that computes them, and what plays them."""

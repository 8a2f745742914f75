"""Speech from containers: the socket for them, and the script that they run."""

"""The daemon as a process: starting, locking, publishing the socket, logging and ending."""

"""Clients inside containers: their socket, and the script that they run."""

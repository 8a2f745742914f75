"""The protocol between client and daemon: frames on a Unix socket."""

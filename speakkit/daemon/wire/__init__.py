"""What client and daemon say to one another, as frames on a socket."""

"""The terminal: the only room that knows Typer and Rich."""

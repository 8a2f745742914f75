"""The command line. No other package of speakkit imports Typer or Rich."""

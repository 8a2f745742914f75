"""`speakkit client-script`: what speaks from inside a container."""

from importlib.resources import files

from speakkit.cli import output


def client_script() -> None:
    """Print a program that speaks from inside a container: one file, for any Python from 3.8 on.

    speakkit client-script > speak.py
    """
    output.show((files("speakkit.daemon") / "container_client.py").read_text("utf-8").rstrip("\n"))

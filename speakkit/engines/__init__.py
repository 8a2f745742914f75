"""Adapters: the only modules that name a heavy package. `registry` loads them by name, when they are first used."""

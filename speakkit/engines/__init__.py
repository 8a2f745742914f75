"""Engine adapters: the only modules that import a heavy package. `registry` imports them by name on first use."""

"""How fast this machine speaks: one process after another, each asked the same, while what that takes is watched."""

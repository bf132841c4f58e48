"""Machine: what a target is, and how its bytes are written."""

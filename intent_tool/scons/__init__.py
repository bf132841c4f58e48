"""SCons: the build graph's side of the tool. Nothing here imports what only a build needs."""

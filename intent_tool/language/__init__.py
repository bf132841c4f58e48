"""Language: what an intent says."""

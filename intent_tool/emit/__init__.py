"""Emit: what the user gets."""

"""Writes certificate sets to disk."""

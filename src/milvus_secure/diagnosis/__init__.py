"""Judges settings, files and the endpoint, and explains what it finds."""

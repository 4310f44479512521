"""Shows what certificate files and sets hold."""

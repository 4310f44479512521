"""Says what certificate files and sets hold."""

"""Real pymilvus clients: connected, kept apart, and followed while files are renewed."""

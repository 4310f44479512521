"""Plans and issues certificates in memory."""

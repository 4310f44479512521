"""What every layer may use: it imports the standard library alone."""

"""Where settings come from, read with provenance and cleaned."""

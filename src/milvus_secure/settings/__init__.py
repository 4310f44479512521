"""Where values come from, and the settings model."""

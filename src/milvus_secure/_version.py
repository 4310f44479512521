"""The one place that states the release."""

__version__ = "0.1.0"

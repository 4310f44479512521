"""Values files of Helm charts."""

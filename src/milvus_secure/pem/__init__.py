"""PEM material: what a path leads to, read once into certificates, keys and faults."""

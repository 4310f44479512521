"""Ratios of speed and memory, measured in one run: `make bench`."""

import sys
from pathlib import Path

# The tests' peers, certificates and processes serve here, too.
sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))

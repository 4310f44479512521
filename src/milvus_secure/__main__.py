"""``python -m milvus_secure`` is ``milvus-secure``."""

from __future__ import annotations

import sys

from .cli import main

sys.exit(main())

"""Certificate sets: make, renew and repair the files of Milvus's TLS guide in one step."""

from __future__ import annotations

from .certificate_set import CertificateSet
from .issuing.plan import SetPlan
from .issuing.subject import Subject

__all__ = ["CertificateSet", "SetPlan", "Subject"]

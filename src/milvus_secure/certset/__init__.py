"""Certificate sets: the guide's nine files, made, renewed and repaired in one step."""

from __future__ import annotations

from .certificate_set import CertificateSet
from .plan import SetPlan
from .subject import Subject

__all__ = ["CertificateSet", "SetPlan", "Subject"]

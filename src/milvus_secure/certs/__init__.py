"""Certificate sets: the guide's nine files, made, renewed and repaired in one step."""

from __future__ import annotations

from .certificate_set import CertificateSet
from .issuing.plan import SetPlan
from .issuing.subject import Subject

__all__ = ["CertificateSet", "SetPlan", "Subject"]

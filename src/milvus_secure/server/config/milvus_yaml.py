"""milvus.yaml: a new one with the TLS part alone, or an existing one patched."""

from __future__ import annotations

from .server_plan import ServerPlan
from .yaml_text import dumped, patched

_HEADER = """\
# The TLS part of Milvus's configuration, laid over its own as a user.yaml.
"""


def milvus_yaml(plan: ServerPlan, folder: str) -> str:
    """The server's configuration for a plan.

    Args:
        plan: What to configure; its ``template`` is patched if it has one.
        folder: Where the server finds its certificates.

    Raises:
        MilvusSecureError: If the template is not a milvus.yaml.
    """
    keys = plan.keys(folder)
    if plan.template is None:
        return dumped(keys, header=_HEADER)
    return patched(plan.template, keys, plan.template_name)

"""The places that PEM material has in a connection."""

from __future__ import annotations

from enum import Enum


class Slot(str, Enum):
    """A piece of PEM material, named as the setting that gives it as text.

    This is the one place that knows how the two settings of a piece are called.
    """

    SERVER_PEM = "server_pem"
    CA_PEM = "ca_pem"
    CLIENT_PEM = "client_pem"
    CLIENT_KEY = "client_key"

    def __str__(self) -> str:
        return self.value

    @property
    def text_setting(self) -> str:
        """The setting that holds the material as text."""
        return self.value

    @property
    def path_setting(self) -> str:
        """The setting that names the material's file."""
        return f"{self.value}_path"

    @property
    def settings(self) -> tuple[str, str]:
        """The settings that may give this piece: as text, and as a path."""
        return self.text_setting, self.path_setting


SLOTS = tuple(Slot)
SYSTEM = "system"
"""The value of ``ca_pem_path`` that stands for the public roots that gRPC brings along."""

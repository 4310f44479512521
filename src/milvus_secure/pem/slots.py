"""The places that PEM material has in a connection."""

from __future__ import annotations

from enum import Enum


class Slot(str, Enum):
    """A piece of PEM material, named as the setting that gives it as text.

    This is the one place that knows how the two settings of a piece are called.

    Attributes:
        text_setting: The setting that holds the material as text.
        path_setting: The setting that names the material's file.
        settings: Both of them.
    """

    text_setting: str
    path_setting: str
    settings: tuple[str, str]

    def __init__(self, name: str) -> None:
        self.text_setting, self.path_setting = name, f"{name}_path"
        self.settings = (self.text_setting, self.path_setting)

    SERVER_PEM = "server_pem"
    CA_PEM = "ca_pem"
    CLIENT_PEM = "client_pem"
    CLIENT_KEY = "client_key"

    def __str__(self) -> str:
        return self.text_setting


SLOTS = tuple(Slot)
SYSTEM = "system"
"""The value of ``ca_pem_path`` that means the public roots that gRPC contains."""

"""Which settings a pymilvus client was made from, by its keyword arguments."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..settings.model import SettingsModel

_MOST = 256
"""Settings remembered; a program that makes more has its own ways to keep them."""

_NAMES = ("server_name", "server_pem_path", "ca_pem_path", "client_pem_path", "client_key_path")
_SETTINGS: OrderedDict[tuple[str, ...], SettingsModel] = OrderedDict()


def remember(kwargs: Mapping[str, Any], settings: SettingsModel) -> None:
    """Note that keyword arguments were made from these settings."""
    key = _key(str(kwargs["uri"]).partition("://")[2], kwargs)
    _SETTINGS[key] = settings
    _SETTINGS.move_to_end(key)
    while len(_SETTINGS) > _MOST:
        _SETTINGS.popitem(last=False)


def settings_of(client: Any) -> SettingsModel | None:  # noqa: ANN401 - any client of pymilvus
    """The settings whose keyword arguments a client was made with; None if that is not known.

    pymilvus keeps them in its handler (``GrpcHandler._set_authorization``), and an asynchronous
    client that has not connected yet in its configuration.
    """
    config = getattr(client, "_config", None)
    if config is not None:  # from 2.6.10 on
        return _SETTINGS.get(_key(config.address, config.get_handler_kwargs()))
    handler = client._get_connection() if hasattr(client, "_get_connection") else None  # noqa: SLF001 - no public way
    kwargs = {name: getattr(handler, f"_{name}", "") for name in _NAMES}
    return _SETTINGS.get(_key(getattr(handler, "_address", ""), kwargs))


def _key(address: str, kwargs: Mapping[str, Any]) -> tuple[str, ...]:
    return (address, *(str(kwargs.get(name) or "") for name in _NAMES))

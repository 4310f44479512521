"""`MilvusSettings`: the settings, and what they make for the clients of Milvus."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from ..settings.model import SettingsModel

if TYPE_CHECKING:
    import os
    import ssl
    from collections.abc import Mapping

    from typing_extensions import Unpack

    from ..settings.arguments import Paths, SettingsKwargs
    from .explaining import Explaining
    from .kwargs import ClientKwargs


class MilvusSettings(SettingsModel):
    """The address of a Milvus, the trust anchors and the credentials.

    Each field is named as pymilvus names the keyword. Values come, strongest first, from
    arguments, the environment (``MILVUS_`` and the field's name in upper case), ``.env``, a
    TOML, YAML or JSON file, a secrets directory, and the defaults. Instances are immutable.

    It is a ``pydantic_settings.BaseSettings``: a subclass may add fields, set ``env_prefix``,
    ``env_file`` and ``secrets_dir`` in ``model_config``, and override
    ``settings_customise_sources``; an application's own settings may contain it.

    Args:
        profile: Which ``[profiles.NAME]`` of the file to lay over its top level.
        config: The settings file; it must exist. False reads none, milvus-secure.toml included.
        environ: The environment to read instead of ``os.environ``.
        env_file: The ``.env`` file or files, the weakest first; None reads none.
        secrets_dir: A directory with one file per setting, such as ``/run/secrets``, or several.
        cwd: What relative paths start from, instead of the working directory.
        _env_prefix: What variables begin with, instead of ``MILVUS_``: one program may reach two
            clusters by ``SOURCE_MILVUS_`` and ``TARGET_MILVUS_``.
        _env_file: As ``env_file``; pydantic-settings' name for it.
        _secrets_dir: As ``secrets_dir``; pydantic-settings' name for it.
        **values: Any setting, strongest of all sources.

    Raises:
        SettingsError: If a value is not of its type, a key is unknown, or a named file or
            profile does not exist.
    """

    if TYPE_CHECKING:  # without this, type checkers derive one that takes the fields alone

        def __init__(
            self,
            *,
            profile: str | None = None,
            config: str | os.PathLike[str] | Literal[False] | None = None,
            environ: Mapping[str, str] | None = None,
            env_file: Paths = ".env",
            secrets_dir: Paths = None,
            cwd: str | os.PathLike[str] | None = None,
            _env_prefix: str | None = None,
            _env_file: Paths = ".env",
            _secrets_dir: Paths = None,
            **values: Unpack[SettingsKwargs],
        ) -> None: ...

    def client_kwargs(self, *, check: bool = False) -> ClientKwargs:
        """The keyword arguments that make pymilvus do what these settings ask for.

        They fit ``MilvusClient``, ``AsyncMilvusClient``, ``connections.connect`` and frameworks
        that hand them on. No value is None. Give each client its own call: on the releases of
        pymilvus that pool by alias the result carries a fresh one.

        Material given as text, and a key or store that had to be opened, is put into files in
        memory that only this user can read. Their paths are good until this process ends, in its
        child processes too, whether or not the settings are kept; ``temp_files.close()`` removes
        them earlier.

        Args:
            check: Run the offline checks first, as `connect_secure` does: an error is raised, and
                warnings go to the ``milvus_secure`` logger.

        Returns:
            A dict whose repr masks token and password.

        Raises:
            SecureConnectionError: If the settings contradict each other or name an empty file; with
                `check`, if a check finds an error.
        """
        from .kwargs import client_kwargs  # noqa: PLC0415 - keeps settings light

        return client_kwargs(self, check=check)

    def explaining(self) -> Explaining:
        """Explain failures to connect inside a block, or a function, that uses pymilvus.

        For frameworks that connect by themselves with `client_kwargs`. A failure to connect to
        the endpoint of these settings becomes a `SecureConnectionError` from the exception that
        was raised: the endpoint is examined, for ``timeout`` seconds at most. Any other exception
        passes through.

        Example:
            >>> with settings.explaining():
            ...     store = Milvus(embeddings, connection_args=settings.client_kwargs())

            In a coroutine, ``async with`` keeps the event loop free. As a decorator it fits
            functions and coroutine functions:

            >>> @settings.explaining()
            ... async def search(text): ...
        """
        from .explaining import Explaining  # noqa: PLC0415 - keeps settings light

        return Explaining(self)

    def ssl_context(self) -> ssl.SSLContext:
        """A context for the RESTful API and other TLS clients than gRPC, from the same material.

        They require a subjectAltName with the host itself: ``server_name`` is gRPC's.

        Raises:
            SecureConnectionError: If the settings contradict each other, or if Python cannot load
                a file and the offline checks know why.
            ValueError: If they ask for plaintext.
            OSError: If Python cannot load a file for another reason.
        """
        from .rest import ssl_context  # noqa: PLC0415 - keeps settings light

        return ssl_context(self)

    def requests_kwargs(self) -> dict[str, Any]:
        """``verify`` and ``cert`` for ``requests`` and pymilvus's bulk-import helpers.

        For ``httpx`` pass ``verify=settings.ssl_context()``.

        Raises:
            SecureConnectionError: If the settings contradict each other.
            ValueError: If they ask for plaintext.
        """
        from .rest import requests_kwargs  # noqa: PLC0415

        return requests_kwargs(self)

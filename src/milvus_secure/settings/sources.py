"""The sources of settings, as pydantic-settings has them, each with the provenance of its values.

`SettingsModel.settings_customise_sources` gets them and may leave out, reorder or add some. A
source of another author is any `PydanticBaseSettingsSource`; its class name is the provenance.

pydantic-settings' own TOML, YAML and JSON sources do not fit: their errors quote the text of the
file, which may hold secrets, they read files of any size, and they know no profiles.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic_settings import (
    BaseSettings,
    DotEnvSettingsSource,
    EnvSettingsSource,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SecretsSettingsSource,
)
from pydantic_settings.sources import PydanticBaseEnvSettingsSource

from .._common.text import printable
from ..errors import SettingsError
from ..pem.slots import Slot
from .keys import Keys
from .loading import Loading
from .other_names import by_upper_case, is_port, port_in, settings_in
from .provenance import Sourced
from .settings_file import read_settings_text
from .source_errors import no_settings_in, not_json, read_or_raise
from .unread_names import misnamed_secret

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

# What a Secret of type kubernetes.io/tls holds, as cert-manager writes it.
_KUBERNETES = {"ca.crt": Slot.CA_PEM, "tls.crt": Slot.CLIENT_PEM, "tls.key": Slot.CLIENT_KEY}


class SourceWithProvenance(PydanticBaseSettingsSource):
    """A source that knows where each of its values came from."""

    loading: Loading

    def sourced(self) -> dict[str, Sourced]:
        """The values of this source by setting, each with its provenance.

        Raises:
            SettingsError: If a place that was named is missing or cannot be read.
        """
        raise NotImplementedError

    def __call__(self) -> dict[str, Any]:
        """The values alone, as pydantic-settings asks for them."""
        return {name: value.value for name, value in self.sourced().items()}

    def __repr__(self) -> str:
        return type(self).__name__  # pydantic-settings' own show values


class ArgumentsSource(SourceWithProvenance, InitSettingsSource):
    """Settings given in code or as flags; a None counts as not given."""

    def __init__(
        self, settings_cls: type[BaseSettings], values: Mapping[str, object], loading: Loading
    ) -> None:
        self.loading = loading
        super(InitSettingsSource, self).__init__(settings_cls)  # its own compares all aliases
        self.init_kwargs = dict(values)
        self.nested_model_default_partial_update = False
        self._values = as_arguments(values, loading.keys, loading.places.cwd)

    def sourced(self) -> dict[str, Sourced]:
        """The arguments."""
        return self._values


class _NamedValues(SourceWithProvenance, PydanticBaseEnvSettingsSource):
    """Texts by the name of a variable; a subclass's fields are read as pydantic-settings does."""

    def _settings_in(self, variables: Mapping[str, Sourced]) -> dict[str, Sourced]:
        loading = self.loading
        prefix, capital = loading.places.prefix, by_upper_case(variables)
        port = loading.port or port_in(capital, prefix)
        settings = settings_in(capital, loading.variables, prefix, port)
        by_lower = {name.lower(): value for name, value in variables.items()}
        for name, field in self.loading.keys.added.items():
            settings.pop(name, None)
            value = self._added(name, field, by_lower)
            if value is not None:
                settings[name] = value
        return settings

    def _added(
        self, name: str, field: FieldInfo, variables: Mapping[str, Sourced]
    ) -> Sourced | None:
        """The value of a subclass's field, from JSON where its type needs that."""
        candidates = self._extract_field_info(field, name)
        exact = [(variables[env], complex_) for _, env, complex_ in candidates if env in variables]
        raw, is_complex = exact[0] if exact else (None, False)
        nested = self._first_nested(variables, [env for _, env, _ in candidates])
        provenance = raw or nested
        if provenance is None:
            return None
        try:
            text = raw.value if raw else None
            value = self.prepare_field_value(name, field, text, is_complex)
        except ValueError:
            failed = True
        else:
            failed = False
        if failed:  # outside the handler: the parser's exception holds the text
            raise SettingsError(not_json(name, provenance.source))
        return None if value is None else replace(provenance, value=value)

    def _first_nested(self, variables: Mapping[str, Sourced], stems: list[str]) -> Sourced | None:
        delimiter = self.config.get("env_nested_delimiter")
        if not delimiter:
            return None
        starts = tuple(f"{stem}{delimiter}" for stem in stems)
        return next((value for name, value in variables.items() if name.startswith(starts)), None)


class VariablesSource(_NamedValues, EnvSettingsSource):
    """Settings in variables."""

    def __init__(self, settings_cls: type[BaseSettings], loading: Loading) -> None:
        self.loading = loading
        super().__init__(settings_cls, env_prefix=loading.places.prefix)

    @property
    def variables(self) -> Mapping[str, Sourced]:
        """Every variable there is, known or not."""
        raise NotImplementedError

    @property
    def variables_at_top(self) -> dict[str, Sourced]:
        """The variables except the nested ones of fields that a subclass added."""
        delimiter = self.env_nested_delimiter
        added = self.loading.keys.added
        stems = tuple(f"{self.loading.places.prefix}{name}{delimiter}".upper() for name in added)
        return {
            name: value
            for name, value in self.variables.items()
            if not (delimiter and name.upper().startswith(stems))
        }

    def sourced(self) -> dict[str, Sourced]:
        """The settings that the variables stand for."""
        return self._settings_in(self.variables)

    def _load_env_vars(self) -> Mapping[str, str | None]:
        if not self.loading.keys.added:
            return {}
        return {name.lower(): value.value for name, value in self.variables.items()}


class EnvironmentSource(VariablesSource):
    """Settings in environment variables."""

    @property
    def variables(self) -> Mapping[str, Sourced]:
        """The environment."""
        return self.loading.environ


class EnvFileSource(VariablesSource, DotEnvSettingsSource):
    """Settings in ``.env`` files, each with its line."""

    @property
    def variables(self) -> Mapping[str, Sourced]:
        """The variables of all the files."""
        return self.loading.env_file


class SettingsFileSource(SourceWithProvenance):
    """Settings in a TOML, YAML or JSON file, with the profile that was chosen."""

    def __init__(self, settings_cls: type[BaseSettings], loading: Loading) -> None:
        loading.has_file_source = True
        self.loading = loading
        super().__init__(settings_cls)

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:  # noqa: ARG002 - pydantic-settings' signature
        """The value of one setting; None if the file does not give it."""
        value = self.sourced().get(field_name)
        return (value.value if value else None), field_name, False

    def sourced(self) -> dict[str, Sourced]:
        """The settings of the file."""
        return self.loading.config


class SecretsDirSource(_NamedValues, SecretsSettingsSource):
    """Settings in files of one directory, named as variables in any case (Docker secrets).

    The files of a Kubernetes Secret of type kubernetes.io/tls are read too: ``ca.crt``, and
    ``tls.crt`` with ``tls.key`` as the client's pair. Their paths are used, so that renewed files
    are seen.
    """

    def __init__(self, settings_cls: type[BaseSettings], loading: Loading) -> None:
        self.loading = loading
        super().__init__(settings_cls, env_prefix=loading.places.prefix)
        self.variables: dict[str, Sourced] = {}
        self._settings: dict[str, Sourced] | None = None

    def sourced(self) -> dict[str, Sourced]:
        """The settings that the files hold."""
        if self._settings is None:
            self._settings = {}
            for directory, source in self.loading.secrets_dirs:
                self._settings.update(self._read(directory, source))
        return self._settings

    def _read(self, directory: Path, source: str) -> dict[str, Sourced]:
        known, prefix = self.loading.variables, self.loading.places.prefix
        entries = read_or_raise(
            "secrets_dir", source, directory, lambda: sorted(directory.iterdir())
        )
        files: dict[str, Sourced] = {}
        for entry in entries:
            variable, value = entry.name.upper(), ""
            if variable in known or is_port(variable, prefix):
                read = partial(read_settings_text, entry)
                text = read_or_raise(known.get(variable, "uri"), source, entry, read)
                # The line break at the end belongs to the file, not to the value.
                value = text.removesuffix("\n").removesuffix("\r")
            where = f"secret {printable(str(entry))}"
            files[variable] = Sourced(value, where, directory, literal=True)
        self.variables.update(files)
        settings = self._settings_in(files)
        for slot, path in _kubernetes_files(directory).items():
            if not settings.keys() & set(slot.settings):
                where = f"secret {printable(str(path))}"
                settings[slot.path_setting] = Sourced(
                    path, where, directory, literal=True, implicit=True
                )
        for entry in entries if settings else ():
            variable = entry.name.upper()
            if variable not in known and not is_port(variable, prefix):
                note = misnamed_secret(entry.name, printable(str(entry)), known, prefix)
                self.loading.notes.extend([note] if note else [])
        if not settings and not (prefix and any(name.startswith(prefix) for name in files)):
            self.loading.notes.append(no_settings_in(directory, source, [e.name for e in entries]))
        return settings


def _kubernetes_files(directory: Path) -> dict[Slot, Path]:
    files = {slot: directory / name for name, slot in _KUBERNETES.items()}
    present = {slot: path for slot, path in files.items() if path.is_file()}
    if not {Slot.CLIENT_PEM, Slot.CLIENT_KEY} <= present.keys():
        present.pop(Slot.CLIENT_PEM, None)
        present.pop(Slot.CLIENT_KEY, None)
    return present


def as_arguments(values: Mapping[str, object], keys: Keys, cwd: Path) -> dict[str, Sourced]:
    """Settings given in code; a None counts as not given.

    Args:
        values: As they were given.
        keys: The keys that may be used.
        cwd: What relative paths start from.

    Raises:
        SettingsError: If a name is not a setting.
    """
    keys.refuse_unknown({"argument": values})
    return {
        name: Sourced(value, "argument", cwd, literal=True)
        for name, value in keys.settings(values).items()
    }

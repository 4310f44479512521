"""Of the environment, what concerns Milvus is looked at, in any case and under any known name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pydantic_settings import SettingsConfigDict

from milvus_secure import MilvusSettings


class Environment(Mapping[str, str]):
    """An environment that notes whose values were read."""

    def __init__(self, **values: str) -> None:
        self.values_read: set[str] = set()
        self._values = values

    def __getitem__(self, name: str) -> str:
        self.values_read.add(name)
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)


class WithAField(MilvusSettings):
    region: str = ""

    model_config = SettingsConfigDict(env_prefix="APP_")


def loaded(environ: Environment, cls: type[MilvusSettings] = MilvusSettings, **more) -> object:
    return cls(environ=environ, env_file=None, config=False, **more)


def test_values_of_other_programs_are_not_read():
    environ = Environment(MILVUS_URI="https://a:1", AWS_SECRET_ACCESS_KEY="x", HOME="/root")
    assert loaded(environ).uri == "https://a:1"
    assert environ.values_read == {"MILVUS_URI"}


def test_case_does_not_matter():
    assert loaded(Environment(Milvus_Uri="https://a:1")).uri == "https://a:1"


def test_without_a_prefix_every_name_may_be_a_setting():
    assert loaded(Environment(URI="https://a:1"), _env_prefix="").uri == "https://a:1"


def test_a_variable_that_pymilvus_cannot_read_is_noted_under_any_prefix():
    environ = Environment(MILVUS_CONN_TIMEOUT="10s", SOURCE_URI="https://a:1")
    notes = loaded(environ, _env_prefix="SOURCE_").notes
    assert [note.code for note in notes] == ["pymilvus-variable"]


def test_the_variable_of_a_subclass_s_field_is_read():
    assert loaded(Environment(APP_REGION="eu"), WithAField).region == "eu"

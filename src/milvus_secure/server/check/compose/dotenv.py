"""``.env`` and ``env_file`` as Compose reads them (compose-go ``dotenv/parser.go``).

python-dotenv differs in quotes, comments and interpolation, so it cannot replace this module.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from .interpolation import InterpolationError, interpolate

_KEY: Final = re.compile(r"[^\S\n]*(?:export[^\S\n]+)?([\w.\-\[\]]+)[^\S\n]*([=:\n]|\Z)")
_ESCAPE: Final = re.compile(r"\\([abcfnrtv$\"\\])")
_ESCAPED: Final = dict(zip("abcfnrtv", "\a\bc\f\n\r\t\v", strict=True))


class DotenvError(ValueError):
    """A line that is none.

    Attributes:
        line: From 1.
    """

    def __init__(self, line: int, why: str) -> None:
        super().__init__(why)
        self.line = line


def parse_dotenv(text: str, outer: Mapping[str, str]) -> dict[str, str]:
    """The variables of a file.

    Args:
        text: The file.
        outer: The environment around it, which fills in variables and gives the value of a bare
            name.

    Raises:
        DotenvError: With the line.
    """
    values: dict[str, str] = {}
    text = text.replace("\r\n", "\n")
    at = 0
    while True:
        at = _statement(text, at)
        if at >= len(text):
            return values
        line = text.count("\n", 0, at) + 1
        key = _KEY.match(text, at)
        if key is None:
            raise DotenvError(line, "it is not NAME=value")
        name, separator = key[1], key[2]
        if separator not in {"=", ":"}:
            if name in outer:
                values[name] = outer[name]
            at = key.end()
            continue
        try:
            values[name], at = _read_value(text, key.end(), {**values, **outer})
        except InterpolationError as error:
            raise DotenvError(line, str(error)) from None
        except ValueError as error:
            raise DotenvError(line, str(error)) from None


def parse_raw(text: str, outer: Mapping[str, str]) -> dict[str, str]:
    """The variables of a file with ``format: raw``: nothing is a quote or a variable.

    Args:
        text: The file.
        outer: Gives the value of a bare name.

    Raises:
        DotenvError: With the line.
    """
    values: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), 1):
        name, equals, value = line.lstrip().partition("=")
        if not name or name.startswith("#"):
            continue
        if not name.strip() or len(name.split()) > 1 or name != name.rstrip():
            raise DotenvError(number, "its name is empty or has a blank")
        if equals:
            values[name] = value
        elif name in outer:
            values[name] = outer[name]
    return values


def _statement(text: str, at: int) -> int:
    while at < len(text):
        if text[at].isspace():
            at += 1
        elif text[at] == "#":
            end = text.find("\n", at)
            at = len(text) if end < 0 else end
        else:
            break
    return at


def _read_value(text: str, at: int, variables: Mapping[str, str]) -> tuple[str, int]:
    while at < len(text) and text[at] in " \t\v\f\r\x85\xa0":
        at += 1
    quote = text[at : at + 1]
    if quote not in {"'", '"'} or not quote:
        end = text.find("\n", at)
        end = len(text) if end < 0 else end
        return interpolate(_without_comment(text[at:end]), variables), end
    end = at + 1
    while end < len(text) and not (text[end] == quote and not _is_escaped(text, end)):
        end += 1
    if end >= len(text):
        raise ValueError("a quote is not closed")
    inner = text[at + 1 : end]
    if quote == "'":
        return inner, end + 1
    return interpolate(_unescape(inner), variables), end + 1


def _is_escaped(text: str, at: int) -> bool:
    return text[at - 1] == "\\"


def _unescape(text: str) -> str:
    return _ESCAPE.sub(lambda match: _ESCAPED.get(match[1], match[1]), text)


def _without_comment(text: str) -> str:
    return re.split(r"\s#", text, maxsplit=1)[0].strip()

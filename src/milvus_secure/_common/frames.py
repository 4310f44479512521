"""Local variables of an exception's frames: crash reporters show them, secrets among them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import wraps
from traceback import clear_frames
from typing import ParamSpec, TypeVar

_Arguments = ParamSpec("_Arguments")
_Result = TypeVar("_Result")


def clear_variables(error: BaseException) -> None:
    """Empty the frames that an exception came through, where they have ended."""
    for cause in causes(error):
        clear_frames(cause.__traceback__)


def causes(error: BaseException) -> Iterator[BaseException]:
    """An exception, those it was raised from or while handling, and those of a group."""
    pending, known = [error], set[int]()
    while pending:
        link = pending.pop(0)
        if id(link) in known:  # pymilvus raises some from themselves
            continue
        known.add(id(link))
        yield link
        beneath = (link.__cause__, link.__context__, *getattr(link, "exceptions", ()))
        pending.extend(cause for cause in beneath if isinstance(cause, BaseException))


def without_arguments_in_frames(
    function: Callable[_Arguments, _Result],
) -> Callable[_Arguments, _Result]:
    """A function whose exceptions hold none of its keyword arguments in their frames."""

    @wraps(function)
    def wrapper(*args: _Arguments.args, **kwargs: _Arguments.kwargs) -> _Result:
        try:
            return function(*args, **kwargs)
        except Exception as error:
            kwargs.clear()
            clear_variables(error)
            raise

    return wrapper

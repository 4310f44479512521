"""`MilvusSettings.explaining`: the cause of a failure to connect inside other people's code."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar, cast

from .._common.endpoint import parse_endpoint
from ..diagnosis.context import Context
from ..diagnosis.material import read_material
from ..diagnosis.threads import call_in_thread
from ..errors import MilvusSecureError, SecureConnectionError
from .failures import (
    connection_failure,
    diagnosed,
    forget_variables_of_pymilvus,
    is_certain,
    unexplained,
)

if TYPE_CHECKING:
    from types import TracebackType

    from ..reporting.report import Report
    from ..settings.model import SettingsModel

_Function = TypeVar("_Function", bound=Callable[..., Any])

_ADDRESS = re.compile(r"server on (\S+?),? ")


class Explaining:
    """Turns pymilvus's failures to connect into `SecureConnectionError`, cause and report included.

    A context manager, synchronous and asynchronous, and a decorator for functions and coroutine
    functions. What is no failure to connect to the endpoint of these settings passes through.

    Args:
        settings: Those of the connection that is made inside.
    """

    def __init__(self, settings: SettingsModel) -> None:
        self._settings = settings

    def __enter__(self) -> None:
        pass

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        failure = self._failure(error)
        if failure is not None and error is not None:
            self._raise(error, failure, self._look())

    async def __aenter__(self) -> None:
        pass

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        failure = self._failure(error)
        if failure is not None and error is not None:
            report = await call_in_thread(self._look)
            self._raise(error, failure, report)

    def __call__(self, function: _Function) -> _Function:
        """Decorate a function.

        Raises:
            TypeError: For a generator function, whose body runs after the call.
        """
        if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
            raise TypeError("a generator function cannot be decorated: use `with` inside it")
        if inspect.iscoroutinefunction(function):

            @wraps(function)
            async def run_async(*arguments: Any, **options: Any) -> Any:  # noqa: ANN401 - as declared
                async with self:
                    return await function(*arguments, **options)

            return cast("_Function", run_async)

        @wraps(function)
        def run(*arguments: Any, **options: Any) -> Any:  # noqa: ANN401 - as declared
            with self:
                return function(*arguments, **options)

        return cast("_Function", run)

    def _failure(self, error: BaseException | None) -> BaseException | None:
        """The failure to connect to this endpoint that an exception represents."""
        if not isinstance(error, Exception) or isinstance(error, MilvusSecureError):
            return None
        failure = connection_failure(error)
        if failure is None:
            return None
        named = _ADDRESS.search(f"{getattr(failure, 'message', '')} ")
        return failure if named is None or named[1] == self._address else None

    @property
    def _address(self) -> str:
        try:
            return parse_endpoint(self._settings.uri).address
        except ValueError:
            return ""

    def _look(self) -> Report:
        context = Context(self._settings, read_material(self._settings))
        return diagnosed(context, self._settings.timeout)

    def _raise(self, error: BaseException, failure: BaseException, report: Report) -> None:
        """Raise the explanation; return if the connection works and something else failed."""
        if report.errors or is_certain(failure):
            forget_variables_of_pymilvus(error)
            cause, fix = unexplained(report, failure, self._settings)
            raise SecureConnectionError(report, cause, fix) from error

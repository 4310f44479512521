"""pymilvus's failures to connect: which they are, and what was the cause."""

from __future__ import annotations

import sys
from traceback import walk_tb
from typing import TYPE_CHECKING, Any

from .._common.endpoint import mask_uri
from .._common.frames import causes
from .._common.system_limits import NoPlaceError
from .._common.tls_mode import TLSMode
from ..diagnosis.check import judge, with_observation

if TYPE_CHECKING:
    from ..diagnosis.context import Context
    from ..reporting.report import Report
    from ..settings.model import SettingsModel

_CONNECT_FAILED = 2
"""``Status.CONNECT_FAILED`` (``pymilvus/client/types.py``)."""


def is_failure(error: BaseException) -> bool:
    """Whether this says that the connection failed, rather than that a parameter is wrong.

    For what a call that only connects has raised.
    """
    import grpc  # noqa: PLC0415 - pymilvus has loaded it
    from pymilvus import exceptions  # noqa: PLC0415

    if isinstance(error, (exceptions.ParamError, exceptions.ConnectionConfigException)):
        return False
    # AttributeError: pymilvus reads the status of an answer that has no message.
    failures = (exceptions.MilvusException, grpc.RpcError, OSError, AttributeError)
    return isinstance(error, failures)


def connection_failure(error: BaseException) -> BaseException | None:
    """The exception behind another that may say that a connection to Milvus failed, or None.

    For what any code that uses pymilvus has raised, a framework's wrappers included. It may also
    be a call that took too long, or that this user may not make: only a look at the endpoint tells.
    """
    if "pymilvus" not in sys.modules:
        return None
    return next(filter(_may_be_failure, causes(error)), None)


def is_certain(failure: BaseException) -> bool:
    """Whether a `connection_failure` cannot be anything else."""
    return getattr(failure, "code", None) == _CONNECT_FAILED


def _may_be_failure(error: BaseException) -> bool:
    import grpc  # noqa: PLC0415 - only after a failure
    from pymilvus.exceptions import MilvusException  # noqa: PLC0415

    statuses = (
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.UNAUTHENTICATED,
        grpc.StatusCode.PERMISSION_DENIED,
        grpc.StatusCode.DEADLINE_EXCEEDED,
    )
    if isinstance(error, MilvusException):  # of some, the code is gRPC's status
        return error.code in {_CONNECT_FAILED, *statuses}
    if isinstance(error, grpc.RpcError):
        code = getattr(error, "code", None)
        return callable(code) and code() in statuses
    if isinstance(error, (OSError, AttributeError)):  # a file, or an answer without a message
        return any(_is_pymilvus(frame) for frame, _ in walk_tb(error.__traceback__))
    return False


def _is_pymilvus(frame: Any) -> bool:  # noqa: ANN401 - a frame
    return str(frame.f_globals.get("__name__")).partition(".")[0] == "pymilvus"


def diagnosed(context: Context, seconds: float) -> Report:
    """Probe the endpoint with the material in use, and judge everything."""
    from ..diagnosis.rules import RULES  # noqa: PLC0415 - only a failure needs them

    return judge(with_observation(context, seconds), RULES)


def one_way_after_all(context: Context, seconds: float) -> Report | None:
    """A report if ``tls_mode`` requires mutual TLS and the server requests no client certificate.

    Such a connection works, with less security than was asked for; gRPC does not say so. One
    more handshake tells, and is made for those who insist only.
    """
    if context.settings.tls_mode is not TLSMode.MUTUAL:
        return None
    from ..diagnosis.probe import requests_client_certificate  # noqa: PLC0415 - rarely needed

    try:
        if requests_client_certificate(context, seconds) is not False:
            return None
        report = diagnosed(context, seconds)
    except OSError:  # this machine has no room for another connection
        return None
    return report if report.errors else None


def unexplained(
    report: Report, error: BaseException, settings: SettingsModel
) -> tuple[str | None, str]:
    """The cause and the fix to tell when the report has no error to name."""
    if report.errors:
        return None, ""
    if isinstance(error, NoPlaceError):
        return error.cause, error.fix
    from ..settings.masking import masked  # noqa: PLC0415 - only a failure needs it

    words = masked(_innermost(error), settings)[:300].rstrip(".")  # cut only what is masked
    cause = (
        f"Connecting to {mask_uri(settings.uri)} failed, but a probe right after it found no "
        f"fault. pymilvus says: {words}."
    )
    return cause, "Try again; a larger timeout helps if the server is slow."


def forget_variables_of_pymilvus(error: BaseException) -> None:
    """Empty pymilvus's frames alone: the others are the caller's, for a debugger to look at."""
    for cause in causes(error):
        for frame, _ in walk_tb(cause.__traceback__):
            if _is_pymilvus(frame):
                try:
                    frame.clear()
                except RuntimeError:  # it still runs
                    continue


def _innermost(error: BaseException) -> str:
    """What started it all, in one line: gRPC's own words are the deepest that say anything."""
    text, met = type(error).__name__, set[int]()
    cause: BaseException | None = error
    while cause is not None and id(cause) not in met:
        met.add(id(cause))
        details = getattr(cause, "details", None)
        text = (callable(details) and details()) or str(cause) or text
        cause = cause.__cause__
    return " ".join(text.split())

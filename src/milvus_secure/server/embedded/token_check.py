"""Milvus's authorization for the embedded server, which has none of its own."""

from __future__ import annotations

import binascii
import hmac
from base64 import b64decode
from collections.abc import Callable
from typing import Any


class TokenCheck:
    """Refuses calls without the token, in the words of Milvus's own interceptor.

    Those are of ``internal/proxy/authentication_interceptor.go``, as Milvus 2.3.5 answers.
    """

    def __init__(self, grpc: Any, token: str) -> None:  # noqa: ANN401 - the module, loaded lazily
        self._unauthenticated = grpc.StatusCode.UNAUTHENTICATED
        self._handler = grpc.unary_unary_rpc_method_handler
        self._token = token.encode()

    def intercept_service(self, continuation: Callable[[Any], Any], call: Any) -> Any:  # noqa: ANN401
        """Pass a call on, or hand back a handler that refuses it (``grpc.ServerInterceptor``)."""
        why = self._refusal(dict(call.invocation_metadata).get("authorization"))
        if not why:
            return continuation(call)
        return self._handler(lambda _, context: context.abort(self._unauthenticated, why))

    def _refusal(self, header: str | None) -> str:
        if header is None:
            return "missing authorization in header"
        try:
            credentials = b64decode(header, validate=True)
        except (binascii.Error, ValueError):
            return "invalid token format"
        if hmac.compare_digest(credentials, self._token):
            return ""
        kind = "username and password are" if b":" in credentials else "api key is"
        return f"auth check failure, please check {kind} correct"

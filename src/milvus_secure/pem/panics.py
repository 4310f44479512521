"""Turns a panic in cryptography's Rust into an error of the input it panicked on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def panics_as_errors() -> Iterator[None]:
    """Parse within this what others wrote.

    A panic comes as ``pyo3_runtime.PanicException``, which has no public name and is no
    ``Exception``: a damaged file would end whoever reads it.

    Raises:
        ValueError: If cryptography panicked.
    """
    try:
        yield
    except BaseException as error:
        if type(error).__name__ != "PanicException":
            raise
        raise ValueError("cryptography panicked on it") from None

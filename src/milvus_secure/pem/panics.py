"""Parses within what others wrote: no panic of cryptography's Rust, no warnings about oddities."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def panics_as_errors() -> Iterator[None]:
    """Parse within this what others wrote.

    A panic comes as ``pyo3_runtime.PanicException``, which has no public name and is no
    ``Exception``: a damaged file would end the process that reads it.

    Raises:
        ValueError: If cryptography panicked.
    """
    try:
        yield
    except BaseException as error:
        if type(error).__name__ != "PanicException":
            raise
        raise ValueError("cryptography panicked on it") from None


@contextmanager
def quietly() -> Iterator[None]:
    """Parse within this what is to be judged: cryptography warns of odd certificates.

    Raises:
        ValueError: If cryptography panicked.
    """
    with warnings.catch_warnings(), panics_as_errors():
        warnings.simplefilter("ignore")
        yield

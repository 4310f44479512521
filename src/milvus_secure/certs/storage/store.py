"""Writes certificate sets: all files of a change or none, and the directory stays the same."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from ..._common import atomic_files, directory_lock
from ..._common.atomic_files import NewFile, Snapshot
from ..._common.file_checks import FileChangeError, not_written
from ...errors import CertificateError
from ..messages import certs
from .change import Change

_CA_FILES = ("ca.key", "ca.pem", "intermediate.key", "intermediate.pem", "chain.pem")
_PAIR = (".key", ".pem")


@contextmanager
def exclusive(directory: Path, *, create: bool = False) -> Iterator[Snapshot]:
    """Let no other run change a set meanwhile, and finish what an interrupted one left.

    Args:
        directory: Of the set.
        create: Whether to make the directory if it is missing.

    Yields:
        What the directory holds now, to be compared before it is written.

    Raises:
        CertificateError: If the directory cannot be made, or an interrupted change not finished.
    """
    real = _real(directory)
    with ExitStack() as stack:
        with _as_certificate_errors(directory):
            stack.enter_context(directory_lock.exclusive(real, create=create))
        yield atomic_files.snapshot(real)


def write_change(directory: Path, change: Change, expected: Snapshot | None = None) -> None:
    """Put the files of a change into a set, all of them or none.

    A file that exists keeps its mode, group and owner. A new key (``*.key``) gets mode 0600, any
    other new file 0644.

    Args:
        directory: It must exist.
        change: What to write and what to remove.
        expected: What the directory held when the change was decided; None for no check.

    Raises:
        CertificateError: If it cannot be written, or is no longer as expected. Then nothing has
            changed.
    """
    files = {
        name: NewFile(change.files[name], name.endswith(".key"), change.modes.get(name))
        for name in _in_order(change.files)
    }
    with _as_certificate_errors(directory):
        atomic_files.replace_files(_real(directory), files, change.dropped, expected=expected)


def require_finished(directory: Path) -> None:
    """Refuse to judge a set that an interrupted command left half changed.

    Raises:
        CertificateError: If there is such a change.
    """
    if atomic_files.has_interrupted(directory):
        raise CertificateError(
            f"An earlier command was interrupted while it changed {directory}.",
            "Complete that change first.",
            certs("repair", directory),
        )


def check_writable(directory: Path, change: Change) -> None:
    """Refuse what `write_change` would refuse, without writing.

    Raises:
        CertificateError: If the files of a change cannot be written.
    """
    with _as_certificate_errors(directory):
        atomic_files.check_replaceable(_real(directory), (*change.files, *change.dropped))


def write_file(path: Path, data: bytes, *, private: bool = False, overwrite: bool = False) -> None:
    """Write one file, whole or not at all.

    Args:
        path: Where to.
        data: Its contents.
        private: Whether a new file gets mode 0600 instead of 0644.
        overwrite: Whether a file that exists may be replaced.

    Raises:
        CertificateError: If it exists, or cannot be written. Then nothing has changed.
    """
    with _as_certificate_errors(path), directory_lock.exclusive(_real(path.parent)):
        try:
            atomic_files.write_file(path, NewFile(data, private), overwrite=overwrite)
        except FileExistsError:
            raise CertificateError(
                f"{path} exists already.", "Name another file, or add --force."
            ) from None


def _in_order(names: Iterable[str]) -> list[str]:
    """The order in which files are replaced: a key and its certificate right after each other.

    Between the two a reader meets a key that does not fit its certificate, so nothing else
    happens there. Files that are not read to connect come last.
    """

    def place(name: str) -> tuple[int, str, str]:
        stem, suffix = Path(name).stem, Path(name).suffix
        if name in _CA_FILES:
            return _CA_FILES.index(name), "", ""
        return (len(_CA_FILES) if suffix in _PAIR else len(_CA_FILES) + 1), stem, suffix

    return sorted(names, key=place)


def _real(directory: Path) -> Path:
    """The directory itself; a symbolic link to it stays what it is."""
    return Path(os.path.realpath(directory))


@contextmanager
def _as_certificate_errors(place: Path) -> Iterator[None]:
    try:
        yield
    except FileChangeError as error:
        raise CertificateError(error.cause, error.fix, error.command) from None
    except CertificateError:
        raise
    except OSError as error:
        failed = not_written(place, error)
        raise CertificateError(failed.cause, failed.fix) from None

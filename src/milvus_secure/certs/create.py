"""Makes a new set. It replaces an old set only if asked to, and never any other file."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

from ..errors import CertificateError
from .inspect.inventory import Inventory
from .issuing.build import build
from .issuing.plan import SetPlan
from .messages import certs
from .storage.change import Change


def create(inventory: Inventory, plan: SetPlan, *, overwrite: bool = False) -> Change:
    """The change that makes a set as described.

    Args:
        inventory: A directory that is missing or empty, or a set.
        plan: The description.
        overwrite: Whether an existing set may be replaced, and other files may be there too.

    Raises:
        CertificateError: If the directory is not empty and ``overwrite`` is false, or files that
            belong to no set have names of a set's files.
    """
    directory = inventory.directory
    existing = _entries(directory)
    replaces = bool(existing & {"ca.pem", "ca.key"})
    if existing and not overwrite:
        raise _occupied(directory, existing, is_set=replaces)
    files = build(plan)
    replaced = existing & files.keys()
    if replaced and not replaces:
        raise CertificateError(
            f"{directory} contains {_few(replaced)}, which do not belong to a certificate set. A "
            "new set would replace them.",
            "Move them to another directory, or name a new or empty directory.",
        )
    dropped = tuple(sorted(existing & _files_of_set(inventory) - files.keys())) if replaces else ()
    done = [
        f"{directory}: {' '.join(sorted(files))}",
        f"server.pem: for {', '.join(plan.server.texts)}",
    ]
    if replaced:
        done.append(f"{' '.join(sorted(replaced))}: replaced")
    if dropped:
        done.append(f"{' '.join(dropped)}: removed")
    return Change(files, dropped=dropped, done=tuple(done))


def _entries(directory: Path) -> set[str]:
    try:
        return {entry.name for entry in directory.iterdir()}
    except FileNotFoundError:
        return set()
    except OSError as error:
        why = (error.strerror or type(error).__name__).lower()
        raise CertificateError(
            f"{directory} cannot be used: {why}.", "Name another directory."
        ) from None


def _occupied(directory: Path, existing: Collection[str], *, is_set: bool) -> CertificateError:
    if is_set:
        return CertificateError(
            f"{directory} already contains a certificate set.",
            "Renew it, or replace it with --force, including its CA.",
            certs("renew", directory),
        )
    return CertificateError(
        f"{directory} contains files that do not belong to a certificate set: {_few(existing)}.",
        "Name a new or empty directory. With --force the set is created next to these files, "
        "unless one of them has the name of a file of the set.",
    )


def _few(names: Collection[str]) -> str:
    return ", ".join(sorted(names)[:3]) + (" ..." if len(names) > 3 else "")


def _files_of_set(inventory: Inventory) -> set[str]:
    """The files of the existing set, which are useless with a new CA."""
    names = {"intermediate.key", "intermediate.pem", "chain.pem"}
    with suppress(CertificateError):
        for leaf in inventory.leaves:
            names |= {f"{leaf.stem}{suffix}" for suffix in (".key", ".pem", ".csr")}
    return names

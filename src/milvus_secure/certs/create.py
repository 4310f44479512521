"""Makes a new set where one may stand: nothing is replaced unasked, nothing foreign ever."""

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


def create(held: Inventory, plan: SetPlan, *, overwrite: bool = False) -> Change:
    """What it takes to make a set as described.

    Args:
        held: A directory that is missing or empty, or a set.
        plan: The description.
        overwrite: Whether a set that is there may be replaced, and foreign files stand beside it.

    Raises:
        CertificateError: If something is there and ``overwrite`` is false, or files of no set
            bear names of a set's.
    """
    directory = held.directory
    there = _entries(directory)
    replaces = bool(there & {"ca.pem", "ca.key"})
    if there and not overwrite:
        raise _occupied(directory, there, is_set=replaces)
    files = build(plan)
    same = there & files.keys()
    if same and not replaces:
        raise CertificateError(
            f"{directory} holds {_few(same)}; they belong to no set, and a new one would replace "
            "them.",
            "move them elsewhere, or name a new or empty directory.",
        )
    dropped = tuple(sorted(there & _own(held) - files.keys())) if replaces else ()
    done = [
        f"{directory}: {' '.join(sorted(files))}",
        f"server.pem: for {', '.join(plan.server.texts)}",
    ]
    if same:
        done.append(f"{' '.join(sorted(same))}: replaced")
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
            f"{directory} cannot be used: {why}.", "name another directory."
        ) from None


def _occupied(directory: Path, there: Collection[str], *, is_set: bool) -> CertificateError:
    if is_set:
        return CertificateError(
            f"{directory} holds a certificate set already.",
            f"replace it, CA and all, with --force, or renew it: {certs('renew', directory)}",
        )
    return CertificateError(
        f"{directory} holds files that belong to no set: {_few(there)}.",
        "name a new or empty directory; with --force the set is made beside them, unless one of "
        "them bears a name of the set's files.",
    )


def _few(names: Collection[str]) -> str:
    return ", ".join(sorted(names)[:3]) + (" ..." if len(names) > 3 else "")


def _own(held: Inventory) -> set[str]:
    """The files of the set that is here, which a new set in its place leaves no use for."""
    own = {"intermediate.key", "intermediate.pem", "chain.pem"}
    with suppress(CertificateError):
        for leaf in held.leaves:
            own |= {f"{leaf.stem}{suffix}" for suffix in (".key", ".pem", ".csr")}
    return own

"""Everything a rule may look at, immutable: settings, mode, material, clock, observation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from functools import cached_property, partial
from typing import TYPE_CHECKING

from .._common.deadline import NO_DEADLINE, Deadline, TimeIsUpError
from .._common.endpoint import Endpoint
from .._common.tls_mode import TLSMode
from .._common.versions import installed_grpc
from ..pem.certificate import may_issue
from ..pem.material import Material, parse_material
from ..pem.public_roots import public_roots
from ..verification.path import Role, Verdict, judge_path

if TYPE_CHECKING:
    from cryptography import x509

    from ..reporting.observation import Observation
    from ..settings.model import SettingsModel


@dataclass(frozen=True)
class Chain:
    """Certificates as a peer presents them, leaf first, and where they come from.

    The same rules judge a chain from a file and one served by the endpoint.

    Attributes:
        certificates: At least one.
        setting: The setting the file belongs to, or ``uri`` for a served chain.
        source: Where that setting's value came from.
        origin: ``file:/abs/server.pem`` or ``endpoint:host:port``.
        served: True if the endpoint presented it.
        unread: True if it holds further certificates, which cryptography cannot read.
    """

    certificates: tuple[x509.Certificate, ...]
    setting: str
    source: str
    origin: str
    served: bool = False
    unread: bool = False

    @property
    def leaf(self) -> x509.Certificate:
        """The end-entity certificate, first by TLS's rule (RFC 8446, 4.4.2)."""
        return self.certificates[0]


@dataclass(frozen=True)
class Context:
    """The immutable input of every rule.

    Attributes:
        settings: As loaded.
        material: What the PEM settings hold, by slot.
        observation: What the probe saw, or None for an offline check.
        now: The time certificates are judged at, with zone.
        grpc: Release of the installed grpcio, such as ``(1, 85)``.
        deadline: After which no chain is judged any more; none for files alone.
    """

    settings: SettingsModel
    material: Mapping[str, Material]
    observation: Observation | None = None
    now: datetime = field(default_factory=lambda: datetime.now(timezone.utc))
    grpc: tuple[int, int] = field(default_factory=installed_grpc)
    deadline: Deadline = NO_DEADLINE

    @cached_property
    def mode(self) -> TLSMode:
        """The mode that follows from the settings, also where they contradict each other."""
        return self.settings.effective_tls_mode

    @cached_property
    def endpoint(self) -> Endpoint | None:
        """The address pymilvus would dial, or None if the URI cannot be used."""
        return self.settings.endpoint

    @cached_property
    def anchor_material(self) -> Material | None:
        """What `wiring` hands to gRPC as root certificates; None means gRPC's public roots."""
        if self.mode is TLSMode.PLAINTEXT:
            return None
        slots = ("ca_pem",) if self.mode is TLSMode.MUTUAL else ("server_pem", "ca_pem")
        chosen = next((self.material[slot] for slot in slots if slot in self.material), None)
        return None if chosen is None or chosen.origin == "system" else chosen

    @cached_property
    def anchors(self) -> tuple[x509.Certificate, ...]:
        """The trust anchors for the server's chain, as gRPC reads them."""
        chosen = self.anchor_material
        if chosen is not None:
            return chosen.certificates
        raw = Material("ca_pem", "ca_pem_path", "default", "system", public_roots())
        return parse_material(raw).certificates

    @cached_property
    def server_chain(self) -> Chain | None:
        """The server's certificate: as served, else as pinned when the file can only be that."""
        if self.observation is not None and self.observation.chain:
            return Chain(
                self.observation.chain,
                "uri",
                self.settings.source_of("uri"),
                self.endpoint_origin,
                served=True,
                unread=bool(self.observation.tls and self.observation.tls.unread),
            )
        return self.pinned_leaf

    @cached_property
    def pinned_leaf(self) -> Chain | None:
        """The first certificate of ``server_pem`` in one-way mode, unless it is a CA."""
        pinned = self.material.get("server_pem")
        if self.mode is not TLSMode.ONE_WAY or pinned is None or not pinned.certificates:
            return None
        if pinned.leaf_is_unread or may_issue(pinned.certificates[0]):
            return None
        return _chain_of(pinned)

    @cached_property
    def client_chain(self) -> Chain | None:
        """The chain the client presents in mutual mode."""
        client = self.material.get("client_pem")
        if self.mode is not TLSMode.MUTUAL or client is None or not client.certificates:
            return None
        return None if client.leaf_is_unread else _chain_of(client)

    @property
    def unread_leaves(self) -> tuple[Material, ...]:
        """The material whose leaf is of a form that gRPC may read and cryptography cannot."""
        slots = {TLSMode.ONE_WAY: "server_pem", TLSMode.MUTUAL: "client_pem"}
        material = self.material.get(slots.get(self.mode, ""))
        return (material,) if material is not None and material.leaf_is_unread else ()

    @cached_property
    def server_verdict(self) -> Verdict | None:
        """The installed gRPC's verdict on `server_chain`; None where no anchor is named.

        Where the probe asked gRPC itself, and it connected, that is the verdict.
        """
        chain = self.server_chain
        if chain is None or (self.mode is TLSMode.MUTUAL and not self.settings.has("ca_pem")):
            return None
        spare = self.client_chain.certificates if self.client_chain else ()
        verdict = self._judged(chain, self.anchors, Role.SERVER, spare)
        if chain.served and self.observation and self.observation.grpc_ready:
            return Verdict(verdict.path, verdict.trusted)
        return verdict

    def trusts(self, certificates: Sequence[x509.Certificate], deadline: Deadline) -> bool:
        """Whether gRPC certainly accepts a served chain; False if it cannot be known in time."""
        judge = partial(judge_path, certificates, self.anchors, self.now, Role.SERVER)
        try:
            return judge(deadline=deadline).accepted
        except TimeIsUpError:
            return False

    @cached_property
    def client_verdict(self) -> Verdict | None:
        """Milvus's verdict on `client_chain`, if its CA is the one configured here."""
        chain = self.client_chain
        if chain is None:
            return None
        ca = self.anchor_material
        return self._judged(chain, ca.certificates if ca else (), Role.CLIENT)

    def _judged(
        self,
        chain: Chain,
        anchors: Sequence[x509.Certificate],
        role: Role,
        spare: Sequence[x509.Certificate] = (),
    ) -> Verdict:
        file, deadline = self.anchor_material, self.deadline
        unread = chain.unread or (file is not None and file.has_unread)
        return judge_path(
            chain.certificates, anchors, self.now, role, spare, unread=unread, deadline=deadline
        )

    @cached_property
    def judged_chains(self) -> tuple[tuple[Chain, Verdict], ...]:
        """The known chains, each with its verdict."""
        pairs = (
            (self.server_chain, self.server_verdict),
            (self.client_chain, self.client_verdict),
        )
        return tuple((chain, verdict) for chain, verdict in pairs if chain and verdict)

    @cached_property
    def all_accepted(self) -> bool:
        """True if each known chain is certainly accepted."""
        return all(verdict.accepted for _, verdict in self.judged_chains)

    @cached_property
    def in_use(self) -> tuple[tuple[x509.Certificate, str, str, str], ...]:
        """Every certificate this connection rests on, with setting, source and origin.

        Of a file of anchors, those on a path; all, when no server's chain is known. Never gRPC's
        public roots: the user cannot renew them.
        """
        in_use: dict[x509.Certificate, tuple[str, str, str]] = {}
        anchor = self.anchor_material
        for chain, verdict in self.judged_chains:
            for certificate in verdict.path:
                if certificate in chain.certificates:
                    in_use.setdefault(certificate, (chain.setting, chain.source, chain.origin))
                elif anchor and certificate in anchor.certificates:
                    in_use.setdefault(certificate, (anchor.setting, anchor.source, anchor.origin))
        if anchor and self.server_chain is None:
            for certificate in anchor.certificates:
                in_use.setdefault(certificate, (anchor.setting, anchor.source, anchor.origin))
        return tuple((certificate, *place) for certificate, place in in_use.items())

    @property
    def endpoint_origin(self) -> str:
        """Where a served chain comes from, and through which proxy."""
        if self.observation is None:
            return ""
        proxy = self.observation.proxy
        way = f" through the proxy {proxy.name}" if proxy is not None and proxy.open else ""
        return f"endpoint:{self.observation.address}{way}"

    @cached_property
    def reference_name(self) -> str | None:
        """The name gRPC requires of the server: ``server_name``, else the host in the URI."""
        if self.settings.server_name:
            return self.settings.server_name
        return self.endpoint.host if self.endpoint else None

    def includes(self, subject: str) -> bool:
        """True if something that rules judge is part of this set-up.

        Args:
            subject: A slot (``client_key``), ``material`` (any slot), ``anchors``,
                ``trust_file`` (anchors of the user's own), ``server_chain``, ``client_chain``,
                ``endpoint``, or a part of the observation: ``observation``, ``protocol``,
                ``tls``, ``proxy``, ``grpc`` or ``milvus`` (what answers over a gRPC channel).
        """
        return subject in self._subjects

    @cached_property
    def _subjects(self) -> frozenset[str]:
        observed, encrypted = self.observation, self.mode is not TLSMode.PLAINTEXT
        present: dict[str, object] = {
            "material": self.material,
            "anchors": encrypted,
            "trust_file": self.anchor_material,
            "server_chain": encrypted and self.server_chain,
            "client_chain": self.client_chain,
            "endpoint": self.endpoint,
            "observation": observed,
            "protocol": observed and observed.protocol,
            "tls": observed and observed.tls,
            "grpc": observed and observed.grpc,
            "milvus": observed and observed.grpc_ready,
            "proxy": observed and observed.proxy,
        }
        return frozenset([*self.material, *(name for name, part in present.items() if part)])

    def blocked_by(self, need: str) -> str | None:
        """Why an input of a rule cannot be had, as a finding code, or None if it can.

        Args:
            need: A slot (``client_key``), ``anchors``, ``server_chain``, ``client_chain`` or
                ``endpoint``.

        An input that is simply not configured blocks nothing: the rule itself passes over it.
        """
        if need == "endpoint":
            return None if self.endpoint else "uri-invalid"
        if need == "anchors":
            chosen = self.anchor_material
        elif need == "server_chain":
            served = self.observation is not None and self.observation.chain
            chosen = (
                None
                if served or self.mode is not TLSMode.ONE_WAY
                else (self.material.get("server_pem"))
            )
        else:
            chosen = self.material.get({"client_chain": "client_pem"}.get(need, need))
        return chosen.fault.code if chosen is not None and chosen.fault else None


def _chain_of(material: Material) -> Chain:
    return Chain(
        material.certificates,
        material.setting,
        material.source,
        material.origin,
        unread=material.has_unread,
    )

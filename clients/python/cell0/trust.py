"""Which keys are a cell's nodes: certificates that chain to its genesis, the newest generation of each principal,
and for a time the key that the newest one follows."""
import time

from cell0.v1.trust_pb2 import (
    PRINCIPAL_KIND_ISSUER, PRINCIPAL_KIND_NODE, CertificateBody, Genesis, SignedCertificate,
)  # fmt: skip
from cell0.wire import CellError, parse, require_signed, sha256, signing_input

# A certificate whose key follows another counts from its issue on, by clocks that differ so much.
ISSUED_AFTER_MS = 60_000
MAX_PRESERVE_MS = 24 * 60 * 60 * 1000


class Trust:
    def __init__(self, genesis):
        self.genesis_hash, self.genesis_key = sha256(genesis), parse(Genesis, genesis).genesis_key
        self._newest = {}  # by principal: (body, signer, hash of the body, whether the key before counts too)

    def add(self, certificates):
        """Issuers before those that they certify. What does not chain to genesis is passed over."""
        signed = [parse(SignedCertificate, each) for each in certificates]
        bodies = [(parse(CertificateBody, each.body), each) for each in signed]
        for body, each in sorted(bodies, key=lambda pair: pair[0].kind != PRINCIPAL_KIND_ISSUER):
            if self._may_certify(each.signer, body):
                try:
                    self._require_signed(each, body)
                    self._take(body, each.signer, sha256(each.body))
                except CellError:
                    pass  # Whoever hands certificates out is not trusted; each stands for itself.

    def _require_signed(self, each, body):
        """By its signer, and where its key follows another, by that one too."""
        signing = signing_input(b"certificate", self.genesis_hash, sha256(each.body))
        require_signed(each.signer, each.signature, "AUTHORITY_CERTIFICATE_FORGED", signing)
        if body.HasField("continuity"):
            if not _is_well_formed(body):
                raise CellError("AUTHORITY_CERTIFICATE_INVALID")
            signing = signing_input(b"continuity", self.genesis_hash, sha256(each.body))
            previous = body.continuity.previous_key
            require_signed(previous, each.continuity_signature, "AUTHORITY_CONTINUITY_INVALID", signing)
        elif each.continuity_signature:
            raise CellError("AUTHORITY_CERTIFICATE_INVALID")

    def _take(self, body, signer, digest):
        """Keeps the newest. One that says that it follows another than the one before it preserves nothing."""
        known = self._newest.get(body.principal)
        same_kind = known is not None and known[0].kind == body.kind
        if same_kind and known[0].generation == body.generation + 1:
            self._newest[body.principal] = known[:3] + (known[3] and _is_after(known[0], body, digest),)
        if self._follows(body):
            preserves = body.HasField("continuity")
            if same_kind and known[0].generation + 1 == body.generation:
                preserves = preserves and _is_after(body, known[0], known[2])
            self._newest[body.principal] = (body, signer, digest, preserves)

    def require_node(self, key, at_ms):
        """Raises CellError unless it is the key of a node whose certificate counts now."""
        fault = self._fault(key, at_ms)
        if fault is not None:
            raise CellError(fault)
        if self._certified(key, at_ms)[0].kind != PRINCIPAL_KIND_NODE:
            raise CellError("CAPSULE_REPLY_UNBOUND", "it was not signed by a node")

    def _certified(self, key, at_ms):
        """The certificate of a key; also of one that the newest follows, until its time is over."""
        for body, signer, *_ in self._newest.values():
            if body.key == key:
                return body, signer
        for body, signer, _, preserves in self._newest.values():
            before = body.continuity
            if preserves and before.previous_key == key and at_ms < before.preserve_until_unix_ms:
                return body, signer
        return None

    def _may_certify(self, signer, body):
        """Genesis certifies issuers and nothing else, issuers the rest."""
        if body.kind == PRINCIPAL_KIND_ISSUER or signer == self.genesis_key:
            return signer == self.genesis_key and body.kind == PRINCIPAL_KIND_ISSUER
        issuer = self._certified(signer, time.time() * 1000)
        return issuer is not None and issuer[0].kind == PRINCIPAL_KIND_ISSUER

    def _follows(self, body):
        """A later generation of its principal; a name does not change hands, but genesis outranks issuers."""
        known, *_ = self._newest.get(body.principal, (None,))
        if known is None or known.kind != body.kind:
            return known is None or body.kind == PRINCIPAL_KIND_ISSUER
        return body.generation > known.generation

    def _fault(self, key, at_ms):
        body, signer = self._certified(key, at_ms) or (None, None)
        if body is None:
            return "AUTHORITY_ISSUER_UNKNOWN"
        if body.revoked:
            return "AUTHORITY_REVOKED"
        if at_ms < body.not_before_unix_ms or at_ms + ISSUED_AFTER_MS < body.continuity.issued_unix_ms:
            return "AUTHORITY_CERTIFICATE_NOT_YET_VALID"
        if at_ms >= body.not_after_unix_ms:
            return "AUTHORITY_CERTIFICATE_EXPIRED"
        is_sound = body.kind == PRINCIPAL_KIND_ISSUER or self._fault(signer, at_ms) is None
        return None if is_sound else "AUTHORITY_CHAIN_BROKEN"


def _is_well_formed(body):
    """No withdrawal, no first generation and no key itself follows a key, and none counts on for more than a day."""
    follows = body.continuity
    begin, end = follows.issued_unix_ms, follows.preserve_until_unix_ms
    is_key_of_another = len(follows.previous) == 32 and follows.previous_key != body.key
    return not body.revoked and body.generation >= 2 and is_key_of_another and 0 <= end - begin <= MAX_PRESERVE_MS


def _is_after(body, before, digest):
    follows = body.continuity
    return not before.revoked and follows.previous_key == before.key and follows.previous == digest

"""Capsules as bytes: made, signed, and read back as replies that are proven to answer them.

Opens no connection. docs/client.md says the same in words; test/vectors hold examples of all of it.
"""
import hashlib, os, time
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from google.protobuf.message import DecodeError
from cell0.v1.capsule_pb2 import ALGORITHM_ED25519, PRIORITY_NORMAL, Envelope, IntentCapsule


class CellError(Exception):
    """`code` as in docs/errors.md. `retry_after_ms` is None where trying again is of no use."""

    def __init__(self, code, message="", retry_after_ms=None):
        super().__init__(f"{code}: {message}" if message else code)
        self.code, self.message, self.retry_after_ms = code, message, retry_after_ms


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def now_ms():
    return time.time_ns() // 1_000_000


def uuid7():
    raw = bytearray(now_ms().to_bytes(6, "big") + os.urandom(10))
    raw[6], raw[8] = 0x70 | raw[6] & 0x0F, 0x80 | raw[8] & 0x3F
    return bytes(raw)


def parse(message, data, code="CAPSULE_MALFORMED"):
    try:
        return message.FromString(data)
    except DecodeError:
        raise CellError(code, f"not a {message.DESCRIPTOR.name}") from None


def require_signed(key, signature, code, signed):
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, signed)
    except (InvalidSignature, ValueError):
        raise CellError(code) from None


def signing_input(domain, genesis_hash, *rest):
    """Begins with its domain and its cell, so that no signature serves elsewhere."""
    return b"".join((b"cell0/v1/", domain, b"\0", genesis_hash, *rest))


def make_intent(target, intent, payload, *, inbox, deadline_ms, capability=b"", capsule_id=None, issued_at_ms=None):
    """Capsule bytes of an intent that nothing caused. They are signed and sent as they are, never made again."""
    capsule_id = capsule_id or uuid7()
    return IntentCapsule(
        id=capsule_id, root_id=capsule_id, hop_limit=64, target=target, intent=intent, content_type="application/json",
        payload=payload, issued_at={"unix_ms": issued_at_ms or now_ms()}, deadline_unix_ms=deadline_ms,
        priority=PRIORITY_NORMAL, capability=capability, reply_inbox=inbox,
    ).SerializeToString()  # fmt: skip


def seal(capsule, key, genesis_hash):
    """The NATS message that carries a capsule: an envelope under one signature."""
    issuer = key.public_key().public_bytes_raw()
    proof = {"signature": key.sign(signing_input(b"capsule", genesis_hash, b"\1", issuer, sha256(capsule)))}
    envelope = Envelope(issuer=issuer, algorithm=ALGORITHM_ED25519, capsules=[capsule], single=proof)
    return envelope.SerializeToString()


def verify_envelope(envelope, genesis_hash):
    """One signature over one capsule, or over the root of a batch. Raises CellError."""
    if envelope.algorithm != ALGORITHM_ED25519:
        raise CellError("CAPSULE_ALGORITHM_UNKNOWN")
    if envelope.WhichOneof("proof") == "single" and len(envelope.capsules) == 1:
        signature, domain, signed = envelope.single.signature, b"capsule", sha256(*envelope.capsules)
    else:
        proof, leaves = envelope.merkle, [sha256(b"\0cell0/v1/leaf\0", each) for each in envelope.capsules]
        if not leaves or batch_root(leaves, proof.first_index, proof.count, list(proof.path)) != proof.root:
            raise CellError("CAPSULE_PROOF_INVALID")
        numbers = proof.batch.to_bytes(8, "big") + proof.count.to_bytes(4, "big")
        signature, domain, signed = proof.signature, b"batch", numbers + proof.root
    signed = signing_input(domain, genesis_hash, b"\1", envelope.issuer, signed)
    require_signed(envelope.issuer, signature, "CAPSULE_SIGNATURE_INVALID", signed)


def batch_root(leaves, first, count, path):
    """Root over a batch, from neighbouring leaves and the siblings on their way up; None where they lead to none."""
    if first + len(leaves) > count:
        return None
    while count > 1:
        left, right = first % 2 == 1, (first + len(leaves)) % 2 == 1 and first + len(leaves) < count
        if len(path) < left + right:
            return None
        leaves = [*(path.pop(0) for _ in range(left)), *leaves, *(path.pop(0) for _ in range(right))]
        pairs = [leaves[at : at + 2] for at in range(0, len(leaves), 2)]
        leaves = [sha256(b"\1", *pair) if len(pair) == 2 else pair[0] for pair in pairs]
        first, count = first // 2, (count + 1) // 2
    return None if path else leaves[0]


def open_replies(message, inbox, trust, at_ms):
    """The replies in one message off an inbox, signed by a node of the cell; or CellError for all of them."""
    envelope = parse(Envelope, message)
    trust.require_node(envelope.issuer, at_ms)
    verify_envelope(envelope, trust.genesis_hash)
    capsules = [parse(IntentCapsule, each) for each in envelope.capsules]
    if not all(each.HasField("reply") and each.target == inbox for each in capsules):
        raise CellError("CAPSULE_REPLY_UNBOUND", "it is no reply, or was made for another inbox")
    return capsules


def require_next(reply, capsule, message, index):
    """Whether it is the next reply to this capsule, which `message` carried; False for one that came before.

    Raises CellError: CAPSULE_REPLY_UNBOUND, CAPSULE_REPLY_GAP where one is missing, or the refusal that it bears.
    """
    refused = reply.HasField("error")
    unread = refused and not reply.request_id
    hashes = [sha256(capsule), sha256(message)] if unread else [sha256(capsule)]
    if reply.request_hash not in hashes or not (unread or reply.request_id == IntentCapsule.FromString(capsule).id):
        raise CellError("CAPSULE_REPLY_UNBOUND", "it answers another request")
    if refused:
        error = reply.error
        raise CellError(error.code, error.message, error.retry_after_ms if error.retryable else None)
    if reply.index > index:
        raise CellError("CAPSULE_REPLY_GAP", f"reply {index} is missing", 0)
    return reply.index == index

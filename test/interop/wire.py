"""The wire of Cell 0 as proto/cell0/v1 states it: what is signed, and how a reply is verified."""
import hashlib, os, time
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from google.protobuf import descriptor_pb2, message_factory

ED25519, ISSUER, NODE = 1, 1, 2


def load_messages(descriptors):
    """Message classes by name, from what `buf build -o descriptors.binpb` wrote."""
    with open(descriptors, "rb") as file:
        files = descriptor_pb2.FileDescriptorSet.FromString(file.read()).file
    return {name.removeprefix("cell0.v1."): cls for name, cls in message_factory.GetMessages(files).items()}


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def now_ms():
    return time.time_ns() // 1_000_000


def uuid7():
    raw = bytearray(now_ms().to_bytes(6, "big") + os.urandom(10))
    raw[6], raw[8] = 0x70 | raw[6] & 0x0F, 0x80 | raw[8] & 0x3F
    return bytes(raw)


def capsule_input(genesis_hash, issuer, capsule):
    return b"".join((b"cell0/v1/capsule\0", genesis_hash, bytes([ED25519]), issuer, sha256(capsule)))


def verify(key, signature, *signed):
    """Raises InvalidSignature."""
    Ed25519PublicKey.from_public_bytes(key).verify(signature, b"".join(signed))


def node_keys(pb, genesis_hash, genesis_key, certificates):
    """Keys of nodes whose certificate is valid now and chains to genesis; the newest generation counts."""
    newest = {}
    for signed in map(pb["SignedCertificate"].FromString, certificates):
        body = pb["CertificateBody"].FromString(signed.body)
        issuers = {each.key for each in newest.values() if each.kind == ISSUER and not each.revoked}
        signers = {genesis_key} if body.kind == ISSUER else issuers
        if signed.signer not in signers or not body.not_before_unix_ms <= now_ms() < body.not_after_unix_ms:
            continue
        verify(signed.signer, signed.signature, b"cell0/v1/certificate\0", genesis_hash, sha256(signed.body))
        if body.principal not in newest or newest[body.principal].generation < body.generation:
            newest[body.principal] = body
    return {body.key for body in newest.values() if body.kind == NODE and not body.revoked}


def verify_envelope(envelope, genesis_hash):
    """One signature over one capsule, or over the root of a batch. Raises InvalidSignature, AssertionError."""
    if envelope.WhichOneof("proof") == "single":
        assert len(envelope.capsules) == 1, "a single signature proves exactly one capsule"
        signed = capsule_input(genesis_hash, envelope.issuer, *envelope.capsules)
        return verify(envelope.issuer, envelope.single.signature, signed)
    assert envelope.WhichOneof("proof") == "merkle", "there is no proof"
    proof = envelope.merkle
    leaves = [sha256(b"\0cell0/v1/leaf\0", capsule) for capsule in envelope.capsules]
    assert batch_root(leaves, proof.first_index, proof.count, proof.path) == proof.root, "not in the batch"
    numbers = proof.batch.to_bytes(8, "big") + proof.count.to_bytes(4, "big")
    head = b"cell0/v1/batch\0", genesis_hash, bytes([ED25519]), envelope.issuer
    verify(envelope.issuer, proof.signature, *head, numbers, proof.root)


def batch_root(leaves, first, count, path):
    """Root of the tree over a batch, from neighbouring leaves and the siblings on their way up."""
    path = iter(path)
    while count > 1:
        if first % 2 == 1:
            first, leaves = first - 1, [next(path), *leaves]
        if len(leaves) % 2 == 1 and first + len(leaves) < count:
            leaves = [*leaves, next(path)]
        pairs = [leaves[at : at + 2] for at in range(0, len(leaves), 2)]
        leaves = [sha256(b"\1", *pair) if len(pair) == 2 else pair[0] for pair in pairs]
        first, count = first // 2, (count + 1) // 2
    return leaves[0]

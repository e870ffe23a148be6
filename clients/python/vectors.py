"""Prints what this client makes of the vectors in test/vectors, as JSON: for each its bytes, its value or its code.

Usage: vectors.py CAPSULE_VECTORS CAPABILITY_VECTORS
"""
import json, sys
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from google.protobuf.json_format import ParseDict
from cell0.capability import attenuate
from cell0.trust import Trust
from cell0.v1.capability_pb2 import TokenBody
from cell0.v1.capsule_pb2 import Envelope, IntentCapsule
from cell0.wire import CellError, make_intent, open_replies, parse, require_next, seal, verify_envelope

unhex = bytes.fromhex


def key(seed):
    return Ed25519PrivateKey.from_private_bytes(unhex(seed))


def encode(vector, published):
    wanted = ParseDict(vector["fields"], IntentCapsule())
    capsule = make_intent(
        wanted.target, wanted.intent, wanted.payload, inbox=wanted.reply_inbox, deadline_ms=wanted.deadline_unix_ms,
        capability=wanted.capability, capsule_id=wanted.id, issued_at_ms=wanted.issued_at.unix_ms,
    )  # fmt: skip
    return seal(capsule, key(vector["seed"]), unhex(published["genesisHash"])).hex()


def prove(vector, published):
    verify_envelope(parse(Envelope, unhex(vector["message"])), unhex(published["genesisHash"]))
    return "proven"


def read_reply(vector, published):
    trust = Trust(unhex(published["genesis"]))
    trust.add(map(unhex, published["certificates"]))
    trust.add(unhex(each["certificate"]) for each in published["refusedCertificates"])
    replies = open_replies(unhex(vector["message"]), vector["inbox"], trust, published["nowUnixMs"])
    require_next(replies[0].reply, unhex(vector["request"]), unhex(vector["sent"]), 0)
    return replies[0].payload.decode()


def narrow(vector, published):
    claims = ParseDict(vector["claims"], TokenBody())
    return attenuate(
        unhex(vector["chain"]), key(vector["seed"]), unhex(published["genesisHash"]), claims.holder,
        actor=vector.get("actor"), permissions=claims.permissions, max_depth=claims.max_depth, not_before_ms=claims.not_before_unix_ms,
        not_after_ms=claims.not_after_unix_ms, token_id=claims.id,
    ).hex()  # fmt: skip


def outcomes(judge, vectors, published):
    for vector in vectors:
        try:
            yield vector["name"], judge(vector, published)
        except CellError as error:
            yield vector["name"], error.code


with open(sys.argv[1]) as capsules, open(sys.argv[2]) as capabilities:
    capsules, capabilities = json.load(capsules), json.load(capabilities)
print(json.dumps({
    "encodings": dict(outcomes(encode, capsules["encodings"], capsules)),
    "proofs": dict(outcomes(prove, capsules["vectors"], capsules)),
    "replies": dict(outcomes(read_reply, capsules["replies"], capsules)),
    "attenuations": dict(outcomes(narrow, capabilities["attenuations"], capabilities)),
}))  # fmt: skip

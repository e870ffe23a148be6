"""Sends a signed intent to a cell and prints its verified replies, one JSON object a line.

Usage: client.py CREDS DESCRIPTORS TARGET INTENT PAYLOAD
  CREDS        a file made by `cell0 client add`
  DESCRIPTORS  made from proto/ by `buf build -o descriptors.binpb`
"""
import asyncio, base64, json, re, sys
import nats
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from wire import ED25519, capsule_input, load_messages, node_keys, now_ms, sha256, uuid7, verify_envelope

creds, descriptors, target, intent, payload = sys.argv[1:]
pb = load_messages(descriptors)


def unbase64(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


async def main():
    with open(creds) as file:
        identity = json.loads(unbase64(re.search(r"BEGIN CELL0 IDENTITY-+\s+(\S+)", file.read())[1]))
    genesis = unbase64(identity["genesis"])
    own, prefix = identity["principal"], f"cell0.v1.{identity['cell']}"
    bus = await nats.connect(identity["broker"], user_credentials=creds, inbox_prefix=f"{prefix}.inbox.{own}")
    bundle = pb["TrustBundle"].FromString((await bus.request(f"{prefix}.trust-bundle", b"", timeout=5)).data)
    genesis_key = pb["Genesis"].FromString(genesis).genesis_key
    certificates = [*map(unbase64, identity["certificates"]), *bundle.certificates]
    nodes = node_keys(pb, sha256(genesis), genesis_key, certificates)

    inbox, capsule_id = bus.new_inbox(), uuid7()
    replies = await bus.subscribe(inbox)
    capsule = pb["IntentCapsule"](
        id=capsule_id, root_id=capsule_id, hop_limit=16, target=target, intent=intent, reply_inbox=inbox,
        content_type="application/json", payload=payload.encode(),
        issued_at={"unix_ms": now_ms()}, deadline_unix_ms=now_ms() + 10_000,
    ).SerializeToString()  # fmt: skip
    key = Ed25519PrivateKey.from_private_bytes(unbase64(identity["key"]))
    issuer = key.public_key().public_bytes_raw()
    proof = {"signature": key.sign(capsule_input(sha256(genesis), issuer, capsule))}
    envelope = pb["Envelope"](issuer=issuer, algorithm=ED25519, capsules=[capsule], single=proof)
    await bus.publish(f"{prefix}.in.{own}.{target.replace('/', '.')}", envelope.SerializeToString(), reply=inbox)

    final = False
    while not final:
        envelope = pb["Envelope"].FromString((await replies.next_msg(timeout=10)).data)
        assert envelope.issuer in nodes, "not signed by a node of this cell"
        verify_envelope(envelope, sha256(genesis))
        for answer in map(pb["IntentCapsule"].FromString, envelope.capsules):
            reply, final = answer.reply, answer.reply.final
            assert answer.target == inbox and reply.request_id == capsule_id, "it answers another request"
            assert reply.request_hash == sha256(capsule), "it answers other bytes than were sent"
            error = {"code": reply.error.code, "message": reply.error.message}
            outcome = {"error": error} if reply.HasField("error") else {"reply": json.loads(answer.payload or "null")}
            print(json.dumps(outcome))
    await bus.close()


asyncio.run(main())

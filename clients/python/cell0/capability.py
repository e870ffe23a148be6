"""Capability tokens: read from their file, narrowed, and handed on. docs/capabilities.md says what they are."""
import base64, re
from cell0.v1.capability_pb2 import TOKEN_KIND_AGENT, CapabilityChain, SignedToken, TokenBody
from cell0.wire import CellError, now_ms, parse, sha256, signing_input, uuid7

TITLE, MALFORMED = "CELL0 CAPABILITY", "CAPABILITY_MALFORMED"
MAX_LINK_BYTES, MAX_CHAIN_BYTES = 8 * 1024, 12 * 1024


def unbase64(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def unarmour(title, text, code):
    """The one block of a title in a text file."""
    blocks = re.findall(rf"^-+BEGIN {title}-+\s+([\w-]+)\s+-+END {title}-+\s*$", text, re.MULTILINE | re.ASCII)
    if len(blocks) != 1:
        raise CellError(code, f"it holds no block {title}, or several")
    return unbase64(blocks[0])


def read_token(text):
    """The chain in a token's file, as a capsule carries it in `capability`."""
    return unarmour(TITLE, text, MALFORMED)


def token_text(chain):
    """For the payload that hands a token to an actor."""
    return base64.urlsafe_b64encode(chain).rstrip(b"=").decode()


def format_token(chain):
    return f"-----BEGIN {TITLE}-----\n{token_text(chain)}\n------END {TITLE}------\n"


def actor_holder(genesis_hash, path):
    """What names an actor as a holder: it has no key."""
    return sha256(b"cell0/v1/actor-holder\0" + genesis_hash + path.encode())


def last_link(chain):
    """Body of the link that is used, and the bytes of it that are signed."""
    links = parse(CapabilityChain, chain, MALFORMED).links
    signed = parse(SignedToken, links[-1] if links else b"", MALFORMED).body
    return parse(TokenBody, signed, MALFORMED), signed


def attenuate(chain, key, genesis_hash, holder=None, *, actor=None, permissions=None, max_depth=None,
              not_before_ms=None, not_after_ms=None, token_id=None):  # fmt: skip
    """The chain and one link more, signed by who holds it now. What is not given stays.

    It is for the key `holder`, or for the actor with the path `actor`, which can hand it on to nobody.

    Holder, depth and times are judged here. Whether each permission lies within a single one of the parent's is
    left to the nodes: it does when conditions are added to the parent's permissions, or some of them left out.
    """
    parent, parent_bytes = last_link(chain)
    issuer = key.public_key().public_bytes_raw()
    if parent.holder != issuer or parent.kind == TOKEN_KIND_AGENT:
        raise CellError("CAPABILITY_HOLDER_MISMATCH")
    body = TokenBody()
    body.CopyFrom(parent)
    body.ClearField("approval")  # each link has its own
    body.id, body.issuer, body.parent = token_id or uuid7(), issuer, sha256(parent_bytes)
    if actor is None:
        body.holder = holder
    else:
        body.kind, body.holder, max_depth = TOKEN_KIND_AGENT, actor_holder(genesis_hash, actor), 0
    body.max_depth = max(0, parent.max_depth - 1) if max_depth is None else max_depth
    body.not_before_unix_ms = max(now_ms(), parent.not_before_unix_ms) if not_before_ms is None else not_before_ms
    body.not_after_unix_ms = parent.not_after_unix_ms if not_after_ms is None else not_after_ms
    if permissions is not None:
        body.ClearField("permissions")
        body.permissions.extend(permissions)
    if body.max_depth >= parent.max_depth:
        raise CellError("CAPABILITY_WIDENED", "it may be handed on as often as its parent")
    if body.not_before_unix_ms < parent.not_before_unix_ms or body.not_after_unix_ms > parent.not_after_unix_ms:
        raise CellError("CAPABILITY_WIDENED", "it begins earlier than its parent, or ends later")
    if body.not_before_unix_ms >= body.not_after_unix_ms:
        raise CellError("CAPABILITY_EXPIRED")
    signed = body.SerializeToString()
    signature = key.sign(signing_input(b"capability", genesis_hash, b"\1", issuer, sha256(signed)))
    link = SignedToken(body=signed, signature=signature).SerializeToString()
    longer = CapabilityChain(links=[*parse(CapabilityChain, chain, MALFORMED).links, link]).SerializeToString()
    if len(link) > MAX_LINK_BYTES or len(longer) > MAX_CHAIN_BYTES:
        raise CellError(MALFORMED, "it is too large")
    return longer

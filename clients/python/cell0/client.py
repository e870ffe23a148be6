"""A program's way into a cell: connects by an identity file, sends signed intents, yields verified replies."""
import asyncio, json, time
import nats
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cell0.capability import attenuate, unarmour, unbase64
from cell0.trust import Trust
from cell0.v1.trust_pb2 import TrustBundle
from cell0.wire import CellError, make_intent, now_ms, open_replies, parse, require_next, seal

# Least time between two questions for certificates.
LEAST_TRUST_AGE_S = 0.5


class Identity:
    """The file that `cell0 client add` makes: a key, certificates and the way to the broker."""

    def __init__(self, path):
        with open(path) as file:
            fields = json.loads(unarmour("CELL0 IDENTITY", file.read(), "AUTHORITY_IDENTITY_INVALID"))
        self.path, self.principal, self.broker = path, fields["principal"], fields["broker"]
        self.prefix = f"cell0.v1.{fields['cell']}"
        self.key = Ed25519PrivateKey.from_private_bytes(unbase64(fields["key"]))
        self.trust = Trust(unbase64(fields["genesis"]))
        self.trust.add(map(unbase64, fields["certificates"]))

    def attenuate(self, chain, holder=None, **narrower):
        return attenuate(chain, self.key, self.trust.genesis_hash, holder, **narrower)


class Cell:
    """`async with Cell(identity) as cell`. What nats-py raises when the broker is away passes through."""

    def __init__(self, identity):
        self.identity, self._learning, self._learned_at_s = identity, asyncio.Lock(), float("-inf")

    async def __aenter__(self):
        own = self.identity
        prefix = f"{own.prefix}.inbox.{own.principal}"
        self._bus = await nats.connect(own.broker, user_credentials=own.path, inbox_prefix=prefix)
        return self

    async def __aexit__(self, *_):
        await self._bus.close()

    async def ask(self, target, intent, payload, *, timeout_ms=5_000, capability=b""):
        """Sends an intent and yields the value of each reply. Raises CellError: a refusal of the cell's; or
        ACTOR_DEADLINE_EXCEEDED, and then it is not known whether the intent was begun.

        It is sent once. Where the error has `retry_after_ms`, ask again: that is a new intent.
        """
        own, inbox, deadline_ms = self.identity, self._bus.new_inbox(), now_ms() + timeout_ms
        data = json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode()
        capsule = make_intent(target, intent, data, inbox=inbox, deadline_ms=deadline_ms, capability=capability)
        message = seal(capsule, own.key, own.trust.genesis_hash)
        subject = f"{own.prefix}.in.{own.principal}.{target.replace('/', '.')}"
        replies = await self._bus.subscribe(inbox, pending_msgs_limit=4096, pending_bytes_limit=64 * 1024 * 1024)
        try:
            await self._bus.publish(subject, message, reply=inbox)
            index, is_final = 0, False
            while not is_final:
                for answer in await self._receive(replies, inbox, deadline_ms):
                    if require_next(answer.reply, capsule, message, index):
                        index, is_final = index + 1, answer.reply.final
                        yield json.loads(answer.payload or b"null")
        finally:
            await replies.unsubscribe()

    async def _receive(self, replies, inbox, deadline_ms):
        """What the next message says that a node of the cell signed; what nobody of it signed is passed over."""
        fault = None
        while True:
            try:
                message = await replies.next_msg(timeout=max(0, deadline_ms - now_ms()) / 1000)
            except nats.errors.TimeoutError:
                raise CellError("ACTOR_DEADLINE_EXCEEDED", str(fault or "no answer came in time"), 0) from fault
            if (message.headers or {}).get("Status") == "503":
                raise CellError("BROKER_NO_RESPONDERS", "no node of the cell is listening", 0)
            for is_last in (False, True):
                try:
                    return open_replies(message.data, inbox, self.identity.trust, now_ms())
                except CellError as error:
                    fault = error
                    if is_last or not error.code.startswith("AUTHORITY_"):
                        break
                    await self._learn()

    async def _learn(self):
        """Asks any node for the cell's certificates, one question for all who need them at once."""
        since_s = time.monotonic()
        async with self._learning:
            if self._learned_at_s >= since_s:
                return
            await asyncio.sleep(max(0, self._learned_at_s + LEAST_TRUST_AGE_S - time.monotonic()))
            try:
                answer = await self._bus.request(f"{self.identity.prefix}.trust-bundle", b"", timeout=2)
                self.identity.trust.add(parse(TrustBundle, answer.data).certificates)
            except (nats.errors.Error, CellError):
                pass  # Who is unknown stays so.
            self._learned_at_s = time.monotonic()

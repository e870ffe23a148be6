"""Usage: python -m cell0 CREDS COMMAND

  ask [--cap FILE] [--timeout-ms N] TARGET INTENT PAYLOAD...
                                                            sends an intent for each payload, all at once, and
                                                            prints the verified replies as they come
  key                                                       prints the public key, by which others hand it a token
  attenuate [--where CONSTRAINT]... [--ttl-ms N] [--depth N] FILE HOLDER
                                                            prints a narrower token for HOLDER, a key or an
                                                            actor's path

CREDS is the file that `cell0 client add` makes; CONSTRAINT is one of capability.proto as JSON, such as
{"path": "/name", "prefix": "A"}. A refusal is printed as `CODE: message` and ends with 1.
"""
import argparse, asyncio, json, sys
from google.protobuf.json_format import Parse
from cell0.capability import format_token, last_link, read_token
from cell0.client import Cell, Identity
from cell0.v1.capability_pb2 import Constraint
from cell0.wire import CellError, now_ms


def read(path):
    with open(path) as file:
        return read_token(file.read())


async def ask(identity, given):
    capability = read(given.cap) if given.cap else b""
    options = {"timeout_ms": given.timeout_ms, "capability": capability}

    async def each(cell, payload):
        async for value in cell.ask(given.target, given.intent, json.loads(payload), **options):
            print(json.dumps(value, ensure_ascii=False), flush=True)

    async with Cell(identity) as cell:
        await asyncio.gather(*(each(cell, payload) for payload in given.payload))


def attenuate(identity, given):
    chain = read(given.file)
    permissions = last_link(chain)[0].permissions
    for permission in permissions:
        permission.constraints.extend(Parse(each, Constraint()) for each in given.where)
    ends_ms = None if given.ttl_ms is None else now_ms() + given.ttl_ms
    named = {"actor": given.holder} if "/" in given.holder else {"holder": bytes.fromhex(given.holder)}
    narrower = {"permissions": permissions, "not_after_ms": ends_ms, "max_depth": given.depth}
    print(format_token(identity.attenuate(chain, **named, **narrower)), end="")


def parse_arguments():
    parser = argparse.ArgumentParser(prog="cell0", usage=__doc__.removeprefix("Usage: "))
    parser.add_argument("creds")
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser("ask")
    command.add_argument("target")
    command.add_argument("intent")
    command.add_argument("payload", nargs="+")
    command.add_argument("--cap")
    command.add_argument("--timeout-ms", type=int, default=5_000)
    commands.add_parser("key")
    command = commands.add_parser("attenuate")
    command.add_argument("file")
    command.add_argument("holder")
    command.add_argument("--where", action="append", default=[])
    command.add_argument("--ttl-ms", type=int)
    command.add_argument("--depth", type=int)
    return parser.parse_args()


def main():
    given = parse_arguments()
    identity = Identity(given.creds)
    if given.command == "ask":
        asyncio.run(ask(identity, given))
    elif given.command == "key":
        print(identity.key.public_key().public_bytes_raw().hex())
    else:
        attenuate(identity, given)


try:
    main()
except CellError as error:
    sys.exit(str(error))

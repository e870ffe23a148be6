"""Judges the proofs of the published vectors by this folder's own verification; prints name -> valid as JSON.

Usage: vectors.py VECTORS DESCRIPTORS
"""
import json, sys
from cryptography.exceptions import InvalidSignature
from google.protobuf.message import DecodeError
from wire import load_messages, verify_envelope

vectors, descriptors = sys.argv[1:]
pb = load_messages(descriptors)
with open(vectors) as file:
    published = json.load(file)


def is_proven(message):
    try:
        envelope = pb["Envelope"].FromString(bytes.fromhex(message))
        verify_envelope(envelope, bytes.fromhex(published["genesisHash"]))
        return len(envelope.capsules) > 0
    except (AssertionError, DecodeError, InvalidSignature, StopIteration):
        return False


print(json.dumps({each["name"]: is_proven(each["message"]) for each in published["vectors"]}))

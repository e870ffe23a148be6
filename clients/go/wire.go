// Package cell0 is a client of Cell 0: it sends signed intents, verifies the signed replies, and
// narrows capability tokens. docs/client.md says in words what it does; test/vectors hold examples.
//
// This file: capsules as bytes, made, signed, and read back as replies that are proven to answer them.
package cell0

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"time"

	pb "cell0.dev/client/cell0v1"
	"google.golang.org/protobuf/proto"
)

// Error has a code of docs/errors.md. RetryAfter is negative where trying again is of no use.
type Error struct {
	Code, Message string
	RetryAfter    time.Duration
}

func (e *Error) Error() string { return e.Code + ": " + e.Message }

func fail(code, message string) error { return &Error{code, message, -1} }

func hash(parts ...[]byte) []byte {
	sum := sha256.Sum256(bytes.Join(parts, nil))
	return sum[:]
}

// NewID makes a UUID of version 7.
func NewID() []byte {
	id := make([]byte, 16)
	rand.Read(id[6:])
	now := binary.BigEndian.AppendUint64(nil, uint64(time.Now().UnixMilli()))
	copy(id, now[2:])
	id[6], id[8] = 0x70|id[6]&0x0f, 0x80|id[8]&0x3f
	return id
}

func parse(data []byte, message proto.Message, code string) error {
	if err := proto.Unmarshal(data, message); err != nil {
		return fail(code, "not a "+string(message.ProtoReflect().Descriptor().Name()))
	}
	return nil
}

// signingInput begins with its domain and its cell, so that no signature serves elsewhere.
func signingInput(domain string, genesisHash []byte, rest ...[]byte) []byte {
	return append([]byte("cell0/v1/"+domain+"\x00"), append(bytes.Clone(genesisHash), bytes.Join(rest, nil)...)...)
}

func isSigned(key, signature, signed []byte) bool {
	return len(key) == ed25519.PublicKeySize && ed25519.Verify(key, signed, signature)
}

// Intent is one that nothing caused, with a JSON payload. Without ID and IssuedAt it gets new ones.
type Intent struct {
	Target, Intent, Inbox          string
	Payload, Capability, ID        []byte
	IssuedAtUnixMs, DeadlineUnixMs uint64
}

// Encode gives the capsule's bytes, which are signed and sent as they are, never made again.
func (i Intent) Encode() ([]byte, error) {
	if i.ID == nil {
		i.ID = NewID()
	}
	if i.IssuedAtUnixMs == 0 {
		i.IssuedAtUnixMs = uint64(time.Now().UnixMilli())
	}
	return proto.Marshal(&pb.IntentCapsule{
		Id: i.ID, RootId: i.ID, HopLimit: 64, Target: i.Target, Intent: i.Intent,
		ContentType: "application/json", Payload: i.Payload,
		IssuedAt: &pb.HybridTime{UnixMs: i.IssuedAtUnixMs}, DeadlineUnixMs: i.DeadlineUnixMs,
		Priority: pb.Priority_PRIORITY_NORMAL, Capability: i.Capability, ReplyInbox: i.Inbox,
	})
}

// Seal gives the NATS message that carries a capsule: an envelope under one signature.
func Seal(capsule []byte, key ed25519.PrivateKey, genesisHash []byte) ([]byte, error) {
	issuer := key.Public().(ed25519.PublicKey)
	signed := signingInput("capsule", genesisHash, []byte{1}, issuer, hash(capsule))
	return proto.Marshal(&pb.Envelope{
		Issuer: issuer, Algorithm: pb.Algorithm_ALGORITHM_ED25519, Capsules: [][]byte{capsule},
		Proof: &pb.Envelope_Single{Single: &pb.SingleProof{Signature: ed25519.Sign(key, signed)}},
	})
}

// VerifyEnvelope wants one signature over one capsule, or over the root of a batch.
func VerifyEnvelope(envelope *pb.Envelope, genesisHash []byte) error {
	if envelope.Algorithm != pb.Algorithm_ALGORITHM_ED25519 {
		return fail("CAPSULE_ALGORITHM_UNKNOWN", envelope.Algorithm.String())
	}
	domain, signature, signed := "capsule", envelope.GetSingle().GetSignature(), hash(envelope.Capsules...)
	if envelope.GetSingle() == nil || len(envelope.Capsules) != 1 {
		proof := envelope.GetMerkle()
		root := batchRoot(envelope.Capsules, uint64(proof.GetFirstIndex()), uint64(proof.GetCount()), proof.GetPath())
		if root == nil || !bytes.Equal(root, proof.GetRoot()) {
			return fail("CAPSULE_PROOF_INVALID", "the path does not lead from the capsules to the root")
		}
		numbers := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint64(nil, proof.Batch), proof.Count)
		domain, signature, signed = "batch", proof.Signature, append(numbers, root...)
	}
	if !isSigned(envelope.Issuer, signature, signingInput(domain, genesisHash, []byte{1}, envelope.Issuer, signed)) {
		return fail("CAPSULE_SIGNATURE_INVALID", "")
	}
	return nil
}

// batchRoot climbs from neighbouring capsules by their siblings; nil where those lead to no root.
func batchRoot(capsules [][]byte, first, count uint64, path [][]byte) []byte {
	var level [][]byte
	for _, capsule := range capsules {
		level = append(level, hash([]byte("\x00cell0/v1/leaf\x00"), capsule))
	}
	if len(level) == 0 || first+uint64(len(level)) > count {
		return nil
	}
	for ; count > 1; first, count = first/2, (count+1)/2 {
		end := first + uint64(len(level))
		hasLeft, hasRight := first%2 == 1, end%2 == 1 && end < count
		if hasLeft && hasRight && len(path) < 2 || (hasLeft || hasRight) && len(path) < 1 {
			return nil
		}
		if hasLeft {
			level, path = append([][]byte{path[0]}, level...), path[1:]
		}
		if hasRight {
			level, path = append(level, path[0]), path[1:]
		}
		var above [][]byte
		for ; len(level) > 1; level = level[2:] {
			above = append(above, hash([]byte{1}, level[0], level[1]))
		}
		level = append(above, level...)
	}
	if len(path) > 0 {
		return nil
	}
	return level[0]
}

// OpenReplies gives the replies in one message off an inbox if a node of the cell signed them.
func OpenReplies(message []byte, inbox string, trust *Trust, now time.Time) ([]*pb.IntentCapsule, error) {
	var envelope pb.Envelope
	if err := parse(message, &envelope, "CAPSULE_MALFORMED"); err != nil {
		return nil, err
	}
	if err := trust.requireNode(envelope.Issuer, now); err != nil {
		return nil, err
	}
	if err := VerifyEnvelope(&envelope, trust.GenesisHash); err != nil {
		return nil, err
	}
	var replies []*pb.IntentCapsule
	for _, capsule := range envelope.Capsules {
		var reply pb.IntentCapsule
		if err := parse(capsule, &reply, "CAPSULE_MALFORMED"); err != nil {
			return nil, err
		}
		if reply.Reply == nil || reply.Target != inbox {
			return nil, fail("CAPSULE_REPLY_UNBOUND", "it is no reply, or was made for another inbox")
		}
		replies = append(replies, &reply)
	}
	return replies, nil
}

// IsNext says whether it is the reply of this index to a capsule, which message carried; false: one that
// came before. Its error is CAPSULE_REPLY_UNBOUND, CAPSULE_REPLY_GAP, or the refusal that the reply bears.
func IsNext(reply *pb.Reply, capsule, message []byte, index uint32) (bool, error) {
	var request pb.IntentCapsule
	if err := parse(capsule, &request, "CAPSULE_MALFORMED"); err != nil {
		return false, err
	}
	isBound := bytes.Equal(reply.RequestHash, hash(capsule)) && bytes.Equal(reply.RequestId, request.Id)
	isUnread := reply.Error != nil && len(reply.RequestId) == 0 &&
		(bytes.Equal(reply.RequestHash, hash(message)) || bytes.Equal(reply.RequestHash, hash(capsule)))
	if !isBound && !isUnread {
		return false, fail("CAPSULE_REPLY_UNBOUND", "it answers another request")
	}
	if refusal := reply.Error; refusal != nil {
		after := time.Duration(refusal.RetryAfterMs) * time.Millisecond
		if !refusal.Retryable {
			after = -1
		}
		return false, &Error{refusal.Code, refusal.Message, after}
	}
	if reply.Index > index {
		return false, &Error{"CAPSULE_REPLY_GAP", fmt.Sprintf("reply %d is missing", index), 0}
	}
	return reply.Index == index, nil
}

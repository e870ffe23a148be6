package cell0

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"regexp"
	"time"

	pb "cell0.dev/client/cell0v1"
	"google.golang.org/protobuf/proto"
)

const (
	malformed     = "CAPABILITY_MALFORMED"
	maxLinkBytes  = 8 * 1024
	maxChainBytes = 12 * 1024
)

// unarmour gives the one block of a title in a text file.
func unarmour(title, text, code string) ([]byte, error) {
	form := regexp.MustCompile(`(?m)^-+BEGIN ` + title + `-+\s+([\w-]+)\s+-+END ` + title + `-+\s*$`)
	if blocks := form.FindAllStringSubmatch(text, 2); len(blocks) == 1 {
		if data, err := base64.RawURLEncoding.DecodeString(blocks[0][1]); err == nil {
			return data, nil
		}
	}
	return nil, fail(code, "it holds no block "+title+", or several, or a damaged one")
}

// ReadToken gives the chain in a token's file, as a capsule carries it in its capability.
func ReadToken(text string) ([]byte, error) { return unarmour("CELL0 CAPABILITY", text, malformed) }

// TokenText gives a chain for the payload that hands it to an actor.
func TokenText(chain []byte) string { return base64.RawURLEncoding.EncodeToString(chain) }

// FormatToken gives the file of a chain.
func FormatToken(chain []byte) string {
	return "-----BEGIN CELL0 CAPABILITY-----\n" + TokenText(chain) + "\n------END CELL0 CAPABILITY------\n"
}

// ForActor makes a new link's body an actor's, which has no key and hands it on to nobody.
func ForActor(body *pb.TokenBody, genesisHash []byte, path string) {
	name := append([]byte("cell0/v1/actor-holder\x00"), genesisHash...)
	body.Kind, body.Holder, body.MaxDepth = pb.TokenKind_TOKEN_KIND_AGENT, hash(append(name, path...)), 0
}

// LastLink gives the body of the link that is used, and the bytes of it that are signed.
func LastLink(chain []byte) (*pb.TokenBody, []byte, error) {
	var links pb.CapabilityChain
	var signed pb.SignedToken
	var body pb.TokenBody
	if err := parse(chain, &links, malformed); err != nil {
		return nil, nil, err
	}
	if len(links.Links) == 0 {
		return nil, nil, fail(malformed, "it has no link")
	}
	if err := parse(links.Links[len(links.Links)-1], &signed, malformed); err != nil {
		return nil, nil, err
	}
	return &body, signed.Body, parse(signed.Body, &body, malformed)
}

// Attenuate gives the chain and one link more, signed by who holds it now. narrow changes the new link's
// body, which begins as its parent's, with an id, from now on, and one handing-on less; it sets the holder,
// a key, or calls ForActor.
//
// Holder, depth and times are judged here. Whether each permission lies within a single one of the parent's
// is left to the nodes: it does when conditions are added to the parent's, or some of them left out.
func Attenuate(chain []byte, key ed25519.PrivateKey, genesisHash []byte, narrow func(*pb.TokenBody)) ([]byte, error) {
	parent, parentBytes, err := LastLink(chain)
	if err != nil {
		return nil, err
	}
	issuer := key.Public().(ed25519.PublicKey)
	if !bytes.Equal(parent.Holder, issuer) || parent.Kind == pb.TokenKind_TOKEN_KIND_AGENT {
		return nil, fail("CAPABILITY_HOLDER_MISMATCH", "another key holds it")
	}
	body := proto.CloneOf(parent)
	body.Approval = nil // Each link has its own.
	body.Id, body.Issuer, body.Parent = NewID(), issuer, hash(parentBytes)
	body.MaxDepth = max(1, parent.MaxDepth) - 1
	body.NotBeforeUnixMs = max(uint64(time.Now().UnixMilli()), parent.NotBeforeUnixMs)
	narrow(body)
	switch {
	case body.MaxDepth >= parent.MaxDepth:
		return nil, fail("CAPABILITY_WIDENED", "it may be handed on as often as its parent")
	case body.NotBeforeUnixMs < parent.NotBeforeUnixMs, body.NotAfterUnixMs > parent.NotAfterUnixMs:
		return nil, fail("CAPABILITY_WIDENED", "it begins earlier than its parent, or ends later")
	case body.NotBeforeUnixMs >= body.NotAfterUnixMs:
		return nil, fail("CAPABILITY_EXPIRED", "it would end before it begins")
	}
	signed, err := proto.Marshal(body)
	if err != nil {
		return nil, err
	}
	input := signingInput("capability", genesisHash, []byte{1}, issuer, hash(signed))
	link, err := proto.Marshal(&pb.SignedToken{Body: signed, Signature: ed25519.Sign(key, input)})
	if err != nil {
		return nil, err
	}
	// The links before are not made again, and of a chain there is one encoding only.
	added, err := proto.Marshal(&pb.CapabilityChain{Links: [][]byte{link}})
	if longer := append(bytes.Clone(chain), added...); len(link) <= maxLinkBytes && len(longer) <= maxChainBytes {
		return longer, err
	}
	return nil, fail(malformed, "it is too large")
}

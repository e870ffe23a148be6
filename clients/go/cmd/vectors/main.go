// Command vectors prints what this client makes of the vectors in test/vectors, as JSON: for each its bytes,
// its value or its code.
//
//	vectors CAPSULE_VECTORS CAPABILITY_VECTORS
package main

import (
	"crypto/ed25519"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"os"
	"time"

	cell0 "cell0.dev/client"
	pb "cell0.dev/client/cell0v1"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

type vector struct {
	Name, Seed, Message, Inbox, Request, Sent, Chain, Actor string
	Fields, Claims                                          json.RawMessage
}

type file struct {
	Genesis, GenesisHash                      string
	Certificates                              []string
	RefusedCertificates                       []struct{ Certificate string }
	NowUnixMs                                 int64
	Encodings, Vectors, Replies, Attenuations []vector
}

func main() {
	capsules, capabilities := read(os.Args[1]), read(os.Args[2])
	report := map[string]map[string]string{
		"encodings":    outcomes(encode, capsules.Encodings, capsules),
		"proofs":       outcomes(prove, capsules.Vectors, capsules),
		"replies":      outcomes(readReply, capsules.Replies, capsules),
		"attenuations": outcomes(narrow, capabilities.Attenuations, capabilities),
	}
	text, err := json.Marshal(report)
	must(err)
	fmt.Println(string(text))
}

func outcomes(judge func(vector, file) (string, error), vectors []vector, published file) map[string]string {
	found := map[string]string{}
	for _, each := range vectors {
		outcome, err := judge(each, published)
		var refused *cell0.Error
		if errors.As(err, &refused) {
			outcome = refused.Code
		} else {
			must(err)
		}
		found[each.Name] = outcome
	}
	return found
}

func encode(each vector, published file) (string, error) {
	var wanted pb.IntentCapsule
	must(protojson.Unmarshal(each.Fields, &wanted))
	capsule, err := cell0.Intent{
		Target: wanted.Target, Intent: wanted.Intent, Payload: wanted.Payload, Inbox: wanted.ReplyInbox,
		Capability: wanted.Capability, ID: wanted.Id,
		IssuedAtUnixMs: wanted.IssuedAt.UnixMs, DeadlineUnixMs: wanted.DeadlineUnixMs,
	}.Encode()
	must(err)
	message, err := cell0.Seal(capsule, key(each.Seed), unhex(published.GenesisHash))
	return hex.EncodeToString(message), err
}

func prove(each vector, published file) (string, error) {
	var envelope pb.Envelope
	if proto.Unmarshal(unhex(each.Message), &envelope) != nil {
		return "CAPSULE_MALFORMED", nil
	}
	return "proven", cell0.VerifyEnvelope(&envelope, unhex(published.GenesisHash))
}

func readReply(each vector, published file) (string, error) {
	trust, err := cell0.NewTrust(unhex(published.Genesis))
	must(err)
	var certificates [][]byte
	for _, certificate := range published.Certificates {
		certificates = append(certificates, unhex(certificate))
	}
	trust.Add(certificates)
	for _, refused := range published.RefusedCertificates {
		trust.Add([][]byte{unhex(refused.Certificate)})
	}
	replies, err := cell0.OpenReplies(unhex(each.Message), each.Inbox, trust, time.UnixMilli(published.NowUnixMs))
	if err != nil {
		return "", err
	}
	_, err = cell0.IsNext(replies[0].Reply, unhex(each.Request), unhex(each.Sent), 0)
	return string(replies[0].Payload), err
}

func narrow(each vector, published file) (string, error) {
	var claims pb.TokenBody
	must(protojson.Unmarshal(each.Claims, &claims))
	chain, err := cell0.Attenuate(unhex(each.Chain), key(each.Seed), unhex(published.GenesisHash), func(body *pb.TokenBody) {
		body.Id, body.Holder, body.Permissions = claims.Id, claims.Holder, claims.Permissions
		body.NotBeforeUnixMs, body.NotAfterUnixMs, body.MaxDepth = claims.NotBeforeUnixMs, claims.NotAfterUnixMs, claims.MaxDepth
		if each.Actor != "" {
			cell0.ForActor(body, unhex(published.GenesisHash), each.Actor)
		}
	})
	return hex.EncodeToString(chain), err
}

func read(path string) (published file) {
	text, err := os.ReadFile(path)
	must(err)
	must(json.Unmarshal(text, &published))
	return published
}

func key(seed string) ed25519.PrivateKey { return ed25519.NewKeyFromSeed(unhex(seed)) }

func unhex(text string) []byte {
	data, err := hex.DecodeString(text)
	must(err)
	return data
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

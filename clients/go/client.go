package cell0

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"iter"
	"os"
	"strings"
	"sync"
	"time"

	pb "cell0.dev/client/cell0v1"
	"github.com/nats-io/nats.go"
)

const (
	askTimeout   = 5 * time.Second
	learnTimeout = 2 * time.Second
	// Least time between two questions for certificates.
	leastTrustAge  = 500 * time.Millisecond
	maxReplies     = 4096
	maxRepliesSize = 64 * 1024 * 1024
)

// Identity is the file that `cell0 client add` makes: a key, certificates and the way to the broker.
type Identity struct {
	Principal string
	Key       ed25519.PrivateKey
	Trust     *Trust
	path      string
	broker    string
	prefix    string
}

// ReadIdentity refuses a damaged file with AUTHORITY_IDENTITY_INVALID.
func ReadIdentity(path string) (*Identity, error) {
	const invalid = "AUTHORITY_IDENTITY_INVALID"
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	block, err := unarmour("CELL0 IDENTITY", string(text), invalid)
	if err != nil {
		return nil, err
	}
	var fields struct {
		Cell, Principal, Broker, Genesis, Key string
		Certificates                          []string
	}
	if json.Unmarshal(block, &fields) != nil {
		return nil, fail(invalid, "its block is no JSON of the right form")
	}
	seed, genesis := unbase64(fields.Key), unbase64(fields.Genesis)
	if len(seed) != ed25519.SeedSize {
		return nil, fail(invalid, "its key is no seed of 32 bytes")
	}
	trust, err := NewTrust(genesis)
	if err != nil {
		return nil, err
	}
	var certificates [][]byte
	for _, each := range fields.Certificates {
		certificates = append(certificates, unbase64(each))
	}
	trust.Add(certificates)
	key := ed25519.NewKeyFromSeed(seed)
	return &Identity{fields.Principal, key, trust, path, fields.Broker, "cell0.v1." + fields.Cell}, nil
}

// unbase64 gives nothing for what is damaged.
func unbase64(text string) []byte {
	data, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return nil
	}
	return data
}

// Cell is a connection; it may be used by many goroutines.
type Cell struct {
	identity *Identity
	bus      *nats.Conn
	mutex    sync.Mutex
	askedAt  time.Time
}

// Connect gives what nats.go gives when the broker is away.
func Connect(identity *Identity) (*Cell, error) {
	inboxes := nats.CustomInboxPrefix(identity.prefix + ".inbox." + identity.Principal)
	bus, err := nats.Connect(identity.broker, nats.UserCredentials(identity.path), inboxes)
	return &Cell{identity: identity, bus: bus}, err
}

// Close closes the connection.
func (c *Cell) Close() { c.bus.Close() }

// Ask sends an intent with a JSON payload and yields the payload of each reply, at last an error if there is
// one: a refusal of the cell's; or ACTOR_DEADLINE_EXCEEDED, and then it is not known whether the intent was
// begun. The deadline is the context's, or in 5 s.
//
// It is sent once. Where the error has a RetryAfter, ask again: that is a new intent.
func (c *Cell) Ask(ctx context.Context, target, intent string, payload, capability []byte) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		value := func(payload []byte) bool { return yield(payload, nil) }
		if err := c.ask(ctx, Intent{Target: target, Intent: intent, Payload: payload, Capability: capability}, value); err != nil {
			yield(nil, err)
		}
	}
}

func (c *Cell) ask(ctx context.Context, intent Intent, yield func([]byte) bool) error {
	deadline, isSet := ctx.Deadline()
	if !isSet {
		deadline = time.Now().Add(askTimeout)
	}
	ctx, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()
	own := c.identity
	intent.Inbox, intent.DeadlineUnixMs = c.bus.NewInbox(), uint64(deadline.UnixMilli())
	capsule, err := intent.Encode()
	if err != nil {
		return err
	}
	message, err := Seal(capsule, own.Key, own.Trust.GenesisHash)
	if err != nil {
		return err
	}
	replies, err := c.bus.SubscribeSync(intent.Inbox)
	if err != nil {
		return err
	}
	defer replies.Unsubscribe()
	if err := replies.SetPendingLimits(maxReplies, maxRepliesSize); err != nil {
		return err
	}
	subject := own.prefix + ".in." + own.Principal + "." + strings.ReplaceAll(intent.Target, "/", ".")
	if err := c.bus.PublishRequest(subject, intent.Inbox, message); err != nil {
		return err
	}
	for index := uint32(0); ; {
		answers, err := c.receive(ctx, replies, intent.Inbox)
		if err != nil {
			return err
		}
		for _, answer := range answers {
			isNext, err := IsNext(answer.Reply, capsule, message, index)
			if err != nil {
				return err
			}
			if !isNext {
				continue
			}
			if index++; !yield(answer.Payload) || answer.Reply.Final {
				return nil
			}
		}
	}
}

// receive gives what the next message says that a node of the cell signed; other messages are passed over.
func (c *Cell) receive(ctx context.Context, replies *nats.Subscription, inbox string) ([]*pb.IntentCapsule, error) {
	fault := errors.New("no answer came in time")
	for {
		message, err := replies.NextMsgWithContext(ctx)
		switch {
		case errors.Is(err, context.DeadlineExceeded):
			return nil, &Error{"ACTOR_DEADLINE_EXCEEDED", fault.Error(), 0}
		case errors.Is(err, nats.ErrNoResponders), err == nil && message.Header.Get("Status") == "503":
			return nil, &Error{"BROKER_NO_RESPONDERS", "no node of the cell is listening", 0}
		case err != nil:
			return nil, err
		}
		answers, err := OpenReplies(message.Data, inbox, c.identity.Trust, time.Now())
		var refused *Error
		if errors.As(err, &refused) && strings.HasPrefix(refused.Code, "AUTHORITY_") && c.learn() {
			answers, err = OpenReplies(message.Data, inbox, c.identity.Trust, time.Now())
		}
		if err == nil {
			return answers, nil
		}
		fault = err
	}
}

// learn asks any node for the cell's certificates; false when it was asked just now, or none answered.
func (c *Cell) learn() bool {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if time.Since(c.askedAt) < leastTrustAge {
		return false
	}
	c.askedAt = time.Now()
	answer, err := c.bus.Request(c.identity.prefix+".trust-bundle", nil, learnTimeout)
	var bundle pb.TrustBundle
	if err != nil || parse(answer.Data, &bundle, "CAPSULE_MALFORMED") != nil {
		return false
	}
	c.identity.Trust.Add(bundle.Certificates)
	return true
}

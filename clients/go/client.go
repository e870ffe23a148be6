package cell0

import (
	"context"
	"errors"
	"iter"
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

// Cell is a connection; it may be used by many goroutines.
type Cell struct {
	identity  *Identity
	bus       *nats.Conn
	learning  sync.Mutex
	learnedAt time.Time
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
		if errors.As(err, &refused) && strings.HasPrefix(refused.Code, "AUTHORITY_") {
			c.learn(ctx)
			answers, err = OpenReplies(message.Data, inbox, c.identity.Trust, time.Now())
		}
		if err == nil {
			return answers, nil
		}
		fault = err
	}
}

// learn asks any node for the cell's certificates, one question for all who need them at once.
func (c *Cell) learn(ctx context.Context) {
	since := time.Now()
	c.learning.Lock()
	defer c.learning.Unlock()
	if c.learnedAt.After(since) {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, learnTimeout)
	defer cancel()
	select {
	case <-time.After(leastTrustAge - time.Since(c.learnedAt)):
	case <-ctx.Done():
		return
	}
	answer, err := c.bus.RequestWithContext(ctx, c.identity.prefix+".trust-bundle", nil)
	var bundle pb.TrustBundle
	if err == nil && parse(answer.Data, &bundle, "CAPSULE_MALFORMED") == nil {
		c.identity.Trust.Add(bundle.Certificates)
	}
	c.learnedAt = time.Now()
}

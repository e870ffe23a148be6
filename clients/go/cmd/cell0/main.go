// Command cell0 sends intents, and narrows tokens, with an identity file.
package main

import (
	"context"
	"crypto/ed25519"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"time"

	cell0 "cell0.dev/client"
	pb "cell0.dev/client/cell0v1"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

const usage = `Usage: cell0 CREDS COMMAND

  ask [--cap FILE] [--timeout-ms N] TARGET INTENT PAYLOAD...
                                                            sends an intent for each payload, all at once, and
                                                            prints the verified replies as they come
  key                                                       prints the public key, by which others hand it a token
  attenuate [--where CONSTRAINT]... [--ttl-ms N] [--depth N] FILE HOLDER
                                                            prints a narrower token for HOLDER, a key or an
                                                            actor's path

CREDS is the file that "cell0 client add" makes; CONSTRAINT is one of capability.proto as JSON, such as
{"path": "/name", "prefix": "A"}. A refusal is printed as "CODE: message" and ends with 1.`

var errUsage = errors.New(usage)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) < 2 {
		return errUsage
	}
	identity, err := cell0.ReadIdentity(args[0])
	if err != nil {
		return err
	}
	switch command, rest := args[1], args[2:]; command {
	case "ask":
		return ask(identity, rest)
	case "key":
		fmt.Println(hex.EncodeToString(identity.Key.Public().(ed25519.PublicKey)))
		return nil
	case "attenuate":
		return attenuate(identity, rest)
	}
	return errUsage
}

func ask(identity *cell0.Identity, args []string) error {
	flags := flag.NewFlagSet("ask", flag.ContinueOnError)
	file := flags.String("cap", "", "file of a token")
	timeoutMs := flags.Int("timeout-ms", 5000, "until the intent is void")
	if err := flags.Parse(args); err != nil || flags.NArg() < 3 {
		return errUsage
	}
	var capability []byte
	if *file != "" {
		chain, err := readToken(*file)
		if err != nil {
			return err
		}
		capability = chain
	}
	cell, err := cell0.Connect(identity)
	if err != nil {
		return err
	}
	defer cell.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Duration(*timeoutMs)*time.Millisecond)
	defer cancel()
	ended := make(chan error)
	payloads := flags.Args()[2:]
	for _, payload := range payloads {
		go func() {
			var last error
			for reply, err := range cell.Ask(ctx, flags.Arg(0), flags.Arg(1), []byte(payload), capability) {
				if last = err; err == nil {
					fmt.Println(string(reply))
				}
			}
			ended <- last
		}()
	}
	for range payloads {
		err = errors.Join(err, <-ended)
	}
	return err
}

func attenuate(identity *cell0.Identity, args []string) error {
	var where []*pb.Constraint
	flags := flag.NewFlagSet("attenuate", flag.ContinueOnError)
	flags.Func("where", "a constraint as JSON", func(text string) error {
		var constraint pb.Constraint
		where = append(where, &constraint)
		return protojson.Unmarshal([]byte(text), &constraint)
	})
	ttlMs := flags.Uint64("ttl-ms", 0, "how long it counts; 0: as long as its parent")
	depth := flags.Int("depth", -1, "how often it may be handed on; -1: once less than its parent")
	if err := flags.Parse(args); err != nil || flags.NArg() != 2 {
		return errUsage
	}
	name := flags.Arg(1)
	isActor := strings.Contains(name, "/")
	holder, err := hex.DecodeString(name)
	if err != nil && !isActor {
		return errUsage
	}
	chain, err := readToken(flags.Arg(0))
	if err != nil {
		return err
	}
	narrower, err := cell0.Attenuate(chain, identity.Key, identity.Trust.GenesisHash, func(body *pb.TokenBody) {
		body.Holder = holder
		for _, permission := range body.Permissions {
			for _, constraint := range where {
				permission.Constraints = append(permission.Constraints, proto.CloneOf(constraint))
			}
		}
		if *ttlMs > 0 {
			body.NotAfterUnixMs = uint64(time.Now().UnixMilli()) + *ttlMs
		}
		if *depth >= 0 {
			body.MaxDepth = uint32(*depth)
		}
		if isActor {
			cell0.ForActor(body, identity.Trust.GenesisHash, name)
		}
	})
	if err == nil {
		fmt.Print(cell0.FormatToken(narrower))
	}
	return err
}

func readToken(path string) ([]byte, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return cell0.ReadToken(string(text))
}

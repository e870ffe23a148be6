package cell0

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"os"
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

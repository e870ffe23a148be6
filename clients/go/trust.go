package cell0

import (
	"bytes"
	"sync"
	"time"

	pb "cell0.dev/client/cell0v1"
)

type certificate struct {
	*pb.CertificateBody
	signer []byte
}

// Trust knows which keys are a cell's nodes: by certificates that chain to its genesis, of each principal
// the newest generation.
type Trust struct {
	GenesisHash []byte
	genesisKey  []byte
	mutex       sync.Mutex
	newest      map[string]certificate
}

// NewTrust reads the cell's genesis, which nothing but the identity file vouches for.
func NewTrust(genesis []byte) (*Trust, error) {
	var read pb.Genesis
	err := parse(genesis, &read, "AUTHORITY_GENESIS_INVALID")
	return &Trust{GenesisHash: hash(genesis), genesisKey: read.GenesisKey, newest: map[string]certificate{}}, err
}

// Add takes certificates from anybody: what does not chain to genesis is passed over.
func (t *Trust) Add(certificates [][]byte) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	for _, areIssuers := range []bool{true, false} {
		for _, each := range certificates {
			var signed pb.SignedCertificate
			var body pb.CertificateBody
			if parse(each, &signed, "") != nil || parse(signed.Body, &body, "") != nil {
				continue
			}
			isIssuer := body.Kind == pb.PrincipalKind_PRINCIPAL_KIND_ISSUER
			if isIssuer != areIssuers || !t.mayCertify(signed.Signer, isIssuer) || !t.follows(&body) {
				continue
			}
			if isSigned(signed.Signer, signed.Signature, signingInput("certificate", t.GenesisHash, hash(signed.Body))) {
				t.newest[body.Principal] = certificate{&body, signed.Signer}
			}
		}
	}
}

// mayCertify: genesis certifies issuers and nothing else, issuers the rest.
func (t *Trust) mayCertify(signer []byte, isIssuer bool) bool {
	if byGenesis := bytes.Equal(signer, t.genesisKey); byGenesis || isIssuer {
		return byGenesis && isIssuer
	}
	issuer, known := t.certified(signer)
	return known && issuer.Kind == pb.PrincipalKind_PRINCIPAL_KIND_ISSUER
}

// follows: a later generation. A name does not change hands, but genesis outranks issuers.
func (t *Trust) follows(body *pb.CertificateBody) bool {
	known, isKnown := t.newest[body.Principal]
	if !isKnown || known.Kind != body.Kind {
		return !isKnown || body.Kind == pb.PrincipalKind_PRINCIPAL_KIND_ISSUER
	}
	return body.Generation > known.Generation
}

func (t *Trust) certified(key []byte) (certificate, bool) {
	for _, each := range t.newest {
		if bytes.Equal(each.Key, key) {
			return each, true
		}
	}
	return certificate{}, false
}

func (t *Trust) requireNode(key []byte, now time.Time) error {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	if code := t.fault(key, uint64(now.UnixMilli())); code != "" {
		return fail(code, "who signed the reply does not count")
	}
	if signer, _ := t.certified(key); signer.Kind != pb.PrincipalKind_PRINCIPAL_KIND_NODE {
		return fail("CAPSULE_REPLY_UNBOUND", "it was not signed by a node")
	}
	return nil
}

func (t *Trust) fault(key []byte, nowUnixMs uint64) string {
	each, known := t.certified(key)
	switch {
	case !known:
		return "AUTHORITY_ISSUER_UNKNOWN"
	case each.Revoked:
		return "AUTHORITY_REVOKED"
	case nowUnixMs < each.NotBeforeUnixMs:
		return "AUTHORITY_CERTIFICATE_NOT_YET_VALID"
	case nowUnixMs >= each.NotAfterUnixMs:
		return "AUTHORITY_CERTIFICATE_EXPIRED"
	case each.Kind != pb.PrincipalKind_PRINCIPAL_KIND_ISSUER && t.fault(each.signer, nowUnixMs) != "":
		return "AUTHORITY_CHAIN_BROKEN"
	}
	return ""
}

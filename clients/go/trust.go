package cell0

import (
	"bytes"
	"sync"
	"time"

	pb "cell0.dev/client/cell0v1"
)

const maxPreserveMs = 24 * 60 * 60 * 1000

type certificate struct {
	*pb.CertificateBody
	signer, hash []byte
	// The key that its key follows counts too, for the time that it states.
	preserves bool
}

// A certificate whose key follows another counts from its issue on, by clocks that differ so much.
const issuedAfterMs = 60_000

// Trust knows which keys are a cell's nodes: by certificates that chain to its genesis, of each principal
// the newest generation, and for a time the key that the newest one follows.
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
			if isIssuer == areIssuers && t.mayCertify(signed.Signer, isIssuer) && t.isSigned(&signed, &body) {
				t.take(certificate{&body, signed.Signer, hash(signed.Body), body.Continuity != nil})
			}
		}
	}
}

// isSigned by its signer, and where its key follows another, by that one too.
func (t *Trust) isSigned(signed *pb.SignedCertificate, body *pb.CertificateBody) bool {
	agreed := len(signed.ContinuitySignature) == 0
	if follows := body.Continuity; follows != nil {
		input := signingInput("continuity", t.GenesisHash, hash(signed.Body))
		agreed = isWellFormed(body) && isSigned(follows.PreviousKey, signed.ContinuitySignature, input)
	}
	return agreed && isSigned(signed.Signer, signed.Signature, signingInput("certificate", t.GenesisHash, hash(signed.Body)))
}

// isWellFormed: no withdrawal, no first generation and no key itself follows a key, and none counts on for more than a day.
func isWellFormed(body *pb.CertificateBody) bool {
	follows := body.Continuity
	begin, end := follows.IssuedUnixMs, follows.PreserveUntilUnixMs
	isKeyOfAnother := len(follows.Previous) == 32 && !bytes.Equal(follows.PreviousKey, body.Key)
	return !body.Revoked && body.Generation >= 2 && isKeyOfAnother && begin <= end && end-begin <= maxPreserveMs
}

// take keeps the newest. One that says that it follows another than the one before it preserves nothing.
func (t *Trust) take(each certificate) {
	known, isKnown := t.newest[each.Principal]
	if isKnown && known.Kind == each.Kind && known.Generation == each.Generation+1 {
		known.preserves = known.preserves && known.isAfter(each)
		t.newest[each.Principal] = known
	}
	if !t.follows(each.CertificateBody) {
		return
	}
	if isKnown && known.Kind == each.Kind && known.Generation+1 == each.Generation {
		each.preserves = each.preserves && each.isAfter(known)
	}
	t.newest[each.Principal] = each
}

func (c certificate) isAfter(before certificate) bool {
	follows := c.Continuity
	return !before.Revoked && bytes.Equal(follows.PreviousKey, before.Key) && bytes.Equal(follows.Previous, before.hash)
}

// mayCertify: genesis certifies issuers and nothing else, issuers the rest.
func (t *Trust) mayCertify(signer []byte, isIssuer bool) bool {
	if byGenesis := bytes.Equal(signer, t.genesisKey); byGenesis || isIssuer {
		return byGenesis && isIssuer
	}
	issuer, known := t.certified(signer, uint64(time.Now().UnixMilli()))
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

func (t *Trust) certified(key []byte, nowUnixMs uint64) (certificate, bool) {
	for _, each := range t.newest {
		if bytes.Equal(each.Key, key) {
			return each, true
		}
	}
	for _, each := range t.newest {
		if each.preserves && bytes.Equal(each.Continuity.PreviousKey, key) && nowUnixMs < each.Continuity.PreserveUntilUnixMs {
			return each, true
		}
	}
	return certificate{}, false
}

func (t *Trust) requireNode(key []byte, now time.Time) error {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	at := uint64(now.UnixMilli())
	if code := t.fault(key, at); code != "" {
		return fail(code, "who signed the reply does not count")
	}
	if signer, _ := t.certified(key, at); signer.Kind != pb.PrincipalKind_PRINCIPAL_KIND_NODE {
		return fail("CAPSULE_REPLY_UNBOUND", "it was not signed by a node")
	}
	return nil
}

func (t *Trust) fault(key []byte, nowUnixMs uint64) string {
	each, known := t.certified(key, nowUnixMs)
	switch {
	case !known:
		return "AUTHORITY_ISSUER_UNKNOWN"
	case each.Revoked:
		return "AUTHORITY_REVOKED"
	case nowUnixMs < each.NotBeforeUnixMs || nowUnixMs+issuedAfterMs < each.Continuity.GetIssuedUnixMs():
		return "AUTHORITY_CERTIFICATE_NOT_YET_VALID"
	case nowUnixMs >= each.NotAfterUnixMs:
		return "AUTHORITY_CERTIFICATE_EXPIRED"
	case each.Kind != pb.PrincipalKind_PRINCIPAL_KIND_ISSUER && t.fault(each.signer, nowUnixMs) != "":
		return "AUTHORITY_CHAIN_BROKEN"
	}
	return ""
}

package slowreader

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
)

// The exit codes of gapless verify.
const (
	CodeTampered       = 10
	CodeSignature      = 11
	CodeSegmentMissing = 12
	CodeRewritten      = 13
	CodeUsage          = 64
	CodeInternal       = 70
)

var codeOf = map[Verdict]int{Complete: 0, CompleteBetweenSeen: 3, Explained: 4, Incomplete: 5, Indeterminate: 6}

// verification is what was proven so far. Each step uses what those before have proven, and nothing else.
type verification struct {
	policy *Policy
	since  [][]byte
	files  map[string][]byte // by name; nil where there are none

	cert       *Certificate
	c          []byte // without space between the tokens
	checkpoint Checkpoint
	seals      []*sealRecord // of the ordinals that are shown
	census     *censusRecord
	accounts   []*Account // of the streams in scope
	strips     [][]*Strip // of each of those ordinals, the ones that are shown
	segments   []*Segment
}

// Verify checks a certificate as docs/format/certificate.md says, and returns the exit code, and why it is none of the verdicts'.
func Verify(certificate, policy []byte, since [][]byte, files map[string][]byte) (code int, err error) {
	p, err := ParsePolicy(policy)
	if err != nil {
		return CodeUsage, err
	}
	v := &verification{policy: p, since: since, files: files}
	for _, step := range []struct {
		name string
		run  func() error
	}{
		{"form", func() error { return v.form(certificate) }},
		{"usage", v.usage},
		{"signatures", v.signatures},
		{"history", v.history},
		{"log", v.log},
		{"census", v.leaves},
		{"statement", v.statement},
		{"strips", v.coverage},
		{"issuer", v.issuer},
		{"files", v.readFiles},
		{"frames", v.frames},
		{"time", v.times},
	} {
		err := step.run()
		if err == nil {
			continue
		}
		code := CodeTampered
		switch {
		case errors.Is(err, ErrVersion):
			code = CodeInternal
		case errors.Is(err, errUsage):
			code = CodeUsage
		case errors.Is(err, ErrSignature):
			code = CodeSignature
		case errors.Is(err, errMissing):
			code = CodeSegmentMissing
		case errors.Is(err, errRewritten):
			code = CodeRewritten
		}
		return code, fmt.Errorf("%s: %w", step.name, err)
	}
	for verdict, code := range codeOf {
		if verdict.String() == v.cert.Verdict {
			return code, nil
		}
	}
	return CodeInternal, damaged("verdict %q", v.cert.Verdict)
}

func (v *verification) form(b []byte) (err error) {
	v.cert, v.c, err = ParseCertificate(b)
	return err
}

// errUsage says that what was given does not belong together.
var errUsage = errors.New("counts only, and files")

// usage makes sure that a certificate without strips is not to be checked with files.
func (v *verification) usage() error {
	if v.cert.Scope.CountsOnly && v.files != nil {
		return errUsage
	}
	return nil
}

func (v *verification) signatures() (err error) {
	if v.checkpoint, err = v.policy.Believe([]byte(v.cert.Proof.Checkpoint)); err != nil {
		return err
	}
	if v.checkpoint.Origin != v.cert.Origin {
		return damaged("the checkpoint is of %q, the certificate of %q", v.checkpoint.Origin, v.cert.Origin)
	}
	return nil
}

// errRewritten says that nothing leads from an earlier checkpoint to the one at hand.
var errRewritten = errors.New("history was rewritten")

// history makes sure that the log continues every earlier checkpoint.
func (v *verification) history() error {
	for _, msg := range v.since {
		earlier, err := v.policy.Believe(msg)
		if err != nil && earlier == (Checkpoint{}) { // who kept a checkpoint vouches for what others than the policy's signed
			return err
		}
		if earlier.Origin != v.cert.Origin || !v.continues(earlier) {
			return fmt.Errorf("%w: from the checkpoint of size %d of %s", errRewritten, earlier.Size, earlier.Origin)
		}
	}
	for i, c := range v.cert.Proof.Consistency {
		if i > 0 && c.Size <= v.cert.Proof.Consistency[i-1].Size || !v.holds(c) {
			return damaged("the proof from size %d does not lead to the checkpoint, or is in another place", c.Size)
		}
	}
	return nil
}

// continues says whether the log continues an earlier checkpoint.
func (v *verification) continues(earlier Checkpoint) bool {
	if earlier.Size == v.checkpoint.Size {
		return earlier.Root == v.checkpoint.Root
	}
	return slices.ContainsFunc(v.cert.Proof.Consistency, func(c consistency) bool {
		return c.Size == earlier.Size && c.Root == earlier.Root && v.holds(c)
	})
}

// holds says whether a proof leads from an earlier tree to that of the checkpoint.
func (v *verification) holds(c consistency) bool {
	before, after, err := consistencyRoots(c.Size, v.checkpoint.Size, c.Root, c.Proof)
	return err == nil && before == c.Root && after == v.checkpoint.Root
}

// leaves reads the accounts of all streams in scope.
func (v *verification) leaves() error {
	accounts := map[Key]*Account{}
	tree, err := readRanges(v.census.Root, v.census.Streams, v.cert.Proof.Census.Ranges, func(b []byte) (Key, error) {
		a, err := ParseAccount(b)
		if err != nil {
			return Key{}, err
		}
		accounts[a.Key] = a
		return a.Key, nil
	})
	if err != nil {
		return err
	}
	leaves, err := tree.inScope(&v.cert.Scope)
	for _, leaf := range leaves {
		v.accounts = append(v.accounts, accounts[leaf.key])
	}
	return err
}

// statement makes the readable half of the certificate again.
func (v *verification) statement() error {
	said := map[Key][]uint64{}
	for _, s := range v.cert.Streams {
		for _, e := range s.Epochs {
			if e.Seq != nil {
				said[Key{v.cert.Scope.Tenant, s.Device, s.Stream, e.Epoch}] = e.Seq
			}
		}
	}
	is, err := restate(&v.cert.Scope, v.accounts, func(k Key) ([]uint64, bool) { seq, there := said[k]; return seq, there })
	if err != nil {
		return err
	}
	for _, half := range []struct {
		what     string
		said, is any
	}{
		{"verdict", v.cert.Verdict, is.verdict.String()}, {"statement", v.cert.Statement, is.statement},
		{"streams", v.cert.Streams, is.streams}, {"not_proven", v.cert.NotProven, is.notProven},
	} {
		saidText, err := json.Marshal(half.said)
		if err != nil {
			return err
		}
		if isText, err := json.Marshal(half.is); err != nil || !bytes.Equal(saidText, isText) {
			return damaged("%s: the certificate says %s, the census %s, %v", half.what, saidText, isText, err)
		}
	}
	return nil
}

// issuer makes sure that a node signed all of the certificate.
func (v *verification) issuer() error {
	origin, sum, err := v.policy.believeWord([]byte(v.cert.Proof.Issuer))
	if err != nil {
		return err
	}
	said, _, _ := bytes.Cut(v.c, []byte(`,"issuer":"`))
	if is := sha256.Sum256(said); origin != v.cert.Origin || sum != hex.EncodeToString(is[:]) {
		return damaged("the word is of %s of %s, the certificate is %x of %s", sum, origin, is, v.cert.Origin)
	}
	return nil
}

package verify

import (
	"fmt"

	"github.com/gaplessdb/gapless/proof/sign"
)

// cannotCheck is what was not checked, and by whom it could be.
func (r *run) cannotCheck() []Line {
	lines := []Line{}
	if r.c == nil {
		return lines
	}
	lines = r.whoSigned("certificate")
	add := func(is bool, name, text string) {
		if is {
			lines = append(lines, Line{false, name, text})
		}
	}
	add(r.in.Files == nil && !r.c.Scope.CountsOnly, "frames", r.noFiles())
	add(len(r.in.Since) == 0, "history", "That others were shown the same log before: keep this checkpoint, and give it with the next certificate.")
	for _, why := range r.unsigned {
		add(true, "history", why)
	}
	for _, c := range r.c.NotProven {
		if c.Code == "time" && r.in.Files != nil {
			continue
		}
		add(true, c.Code, c.Text)
	}
	return lines
}

// whoSigned is what no signature shows of a checkpoint that came with what.
func (r *run) whoSigned(what string) []Line {
	lines := []Line{{false, "keys", "Whose the keys in the policy are: get them from somebody you trust, on another way than the " + what + "."}}
	if r.policy != nil && r.policy.Quorum == sign.NoQuorum {
		lines = append(lines, Line{false, "cosignatures", "That any node agreed: the policy asks for nobody's cosignature (quorum none), so one key is enough to write a log."})
	}
	if !r.witnessed() {
		lines = append(lines, Line{false, "witness", "That the nodes did not agree on another history: no outside witness that the policy knows signed the checkpoint."})
	}
	return lines
}

// noFiles is why the frames were not checked.
func (r *run) noFiles() string {
	const later = "Their hashes are proven, so segments can be checked later."
	if r.in.Bundled && len(r.c.Segments) > 0 {
		return fmt.Sprintf("The bytes of the frames: the certificate lists %d segments, the bundle has none of them. %s", len(r.c.Segments), later)
	}
	return "The bytes of the frames: no segments were given. " + later
}

// witnessed reports whether anybody but nodes of the cluster cosigned the checkpoint.
func (r *run) witnessed() bool {
	for _, name := range r.signed.Names {
		if _, node := sign.NodeOf(r.signed.Origin, name); !node {
			return true
		}
	}
	return false
}

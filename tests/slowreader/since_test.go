package slowreader

import (
	"fmt"
	"testing"

	"github.com/gaplessdb/gapless/proof/certificate"
	"github.com/gaplessdb/gapless/proof/sign"
)

// Checkpoints that were kept from before all nodes were replaced, with policies that know the nodes of then and that do not; and damaged ones.
func TestTurnedOverAgrees(t *testing.T) {
	w, older := smallPlant(t)
	vkey := func(node string) string {
		v, err := w.Keys[node][len(w.Keys[node])-1].VerifierKey(sign.CosignerName(w.Origin, node))
		if err != nil {
			t.Fatal(err)
		}
		return v.String()
	}
	var removed, nodes []sign.Node
	for i, id := range w.Signers {
		removed = append(removed, sign.Node{ID: id, Keys: []string{vkey(id)}, Removed: true})
		w.Rotate(id)
		w.Signers[i] = id + "-new"
		w.Keys[w.Signers[i]] = w.Keys[id][1:]
		nodes = append(nodes, sign.Node{ID: w.Signers[i], Keys: []string{vkey(w.Signers[i])}})
	}
	w.Cut()
	first := sizeOf(t, older[0])
	c := w.Certify(certificate.Request{Scope: certificate.Scope{Tenant: "default", Devices: []string{"mill-1"}}, Since: []int64{first}})
	w.Issue(c, "n1-new")
	codes := map[int]int{}
	for _, list := range [][]sign.Node{nodes, append(removed, nodes...)} {
		policy, err := sign.Build(w.Origin, list, 2, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		p := papersOf(t, w, c)
		p.policy, p.since = []byte(policy.Text()), [][]byte{older[0]}
		if code := p.both(t, "all nodes were replaced"); code >= 10 {
			t.Errorf("code %d with\n%s", code, p.policy)
		}
		p.since = [][]byte{older[0], older[1]}
		if code := p.both(t, "without a proof"); code != CodeRewritten {
			t.Errorf("code %d for a checkpoint of which there is no proof", code)
		}
		p.files = nil
		for seed := range uint64(300) {
			p.since = [][]byte{damageText(dice(seed), older[0])}
			codes[p.both(t, fmt.Sprint("damaged, seed ", seed))]++
		}
	}
	if codes[CodeSignature] == 0 || codes[CodeRewritten] == 0 {
		t.Errorf("codes %v", codes)
	}
}

// A node that was removed counts for its word, and for no quorum.
func TestRemovedAgrees(t *testing.T) {
	w, _ := smallPlant(t)
	w.Removed = []string{"n3"}
	for _, tt := range []struct {
		signers []string
		issuer  string
		trusted bool
	}{{[]string{"n1", "n2", "n3"}, "n3", true}, {[]string{"n1", "n2"}, "n3", true}, {[]string{"n1", "n3"}, "n1", false}} {
		w.Signers = tt.signers
		w.Cosign()
		c := w.Certify(certificate.Request{Scope: certificate.Scope{Tenant: "default", Devices: []string{"mill-1"}}})
		w.Issue(c, tt.issuer)
		p := papersOf(t, w, c)
		if code := p.both(t, fmt.Sprint(tt)); (code < 10) != tt.trusted || !tt.trusted && code != CodeSignature {
			t.Errorf("signed by %v, issued by %s: code %d", tt.signers, tt.issuer, code)
		}
	}
}

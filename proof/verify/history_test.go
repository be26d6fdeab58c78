package verify_test

import (
	"strings"
	"testing"

	"github.com/gaplessdb/gapless/proof/certificate"
	"github.com/gaplessdb/gapless/proof/sign"
	"github.com/gaplessdb/gapless/proof/verify"
	"github.com/gaplessdb/gapless/proof/verify/world"
)

// TestOldCheckpoint replays what was true once.
func TestOldCheckpoint(t *testing.T) {
	w := world.New(t, "plant")
	one := uint64(1)
	w.Send(world.Batch{Device: "d", Epoch: "a", First: &one, Seqs: world.Seqs(1, 100)})
	w.Heartbeat(lifeAt("d", "a", 101))
	w.Cut()
	old, first := w.Certify(devices("d")), w.Note
	w.Send(world.Batch{Device: "d", Epoch: "a", Seqs: world.Seqs(101, 200, 150)})
	w.Settle()
	w.Cut()
	req := devices("d")
	plain := w.Certify(req)
	req.Since = []int64{2}
	since := w.Certify(req)

	in := input(w, old)
	want(t, "an old certificate", run(t, in), verify.CodeComplete)
	in.Since = [][]byte{first}
	want(t, "an old certificate, since its own checkpoint", run(t, in), verify.CodeComplete)
	in.Since = [][]byte{w.Note}
	want(t, "an old certificate, since a newer checkpoint", run(t, in), verify.CodeRewritten)

	in = input(w, since)
	in.Since = [][]byte{first}
	want(t, "a new certificate, since the old checkpoint", run(t, in), verify.CodeIncomplete)
	in = input(w, plain)
	in.Since = [][]byte{first}
	want(t, "without a proof of it", run(t, in), verify.CodeRewritten)
	since.Proof.Consistency[0].Proof[0][3]++
	w.Issue(since, "n1")
	in = input(w, since)
	in.Since = [][]byte{first}
	want(t, "with a wrong proof of it", run(t, in), verify.CodeRewritten)

	plain.Proof.Checkpoint = string(first)
	w.Issue(plain, "n1")
	want(t, "the old checkpoint under the new certificate", run(t, input(w, plain)), verify.CodeTampered)
}

// TestRewrittenHistory is the work of who has keys of nodes: the device lost nothing, and every word and hash fits.
func TestRewrittenHistory(t *testing.T) {
	tell := func(w *world.World, but ...uint64) {
		one := uint64(1)
		w.Send(world.Batch{Device: "d", Epoch: "a", First: &one, Seqs: world.Seqs(1, 100, but...)})
		w.Heartbeat(lifeAt("d", "a", 101))
		w.Settle()
		w.Cut()
	}
	truth := world.New(t, "plant")
	tell(truth, 50)
	want(t, "the truth", run(t, input(truth, truth.Certify(devices("d")))), verify.CodeIncomplete)

	lie := world.New(t, "plant")
	lie.Signers = []string{"n1"}
	tell(lie)
	want(t, "one stolen key", run(t, input(lie, lie.Certify(devices("d")))), verify.CodeSignature)

	lie = world.New(t, "plant")
	tell(lie)
	in := input(lie, lie.Certify(devices("d")))
	want(t, "all keys, and nobody kept anything", run(t, in), verify.CodeComplete)
	in.Since = [][]byte{truth.Note}
	want(t, "all keys, and an earlier checkpoint of this size", run(t, in), verify.CodeRewritten)
	in.Since = nil
	lie.NeedsIt = true
	in.Policy = lie.Policy()
	want(t, "all keys, and a policy that asks for a witness", run(t, in), verify.CodeSignature)

	tell2 := func(w *world.World) {
		w.Send(world.Batch{Device: "d", Epoch: "a", Seqs: world.Seqs(101, 120)})
		w.Cut()
	}
	tell2(lie)
	req := devices("d")
	req.Since = []int64{2}
	lie.NeedsIt = false
	in = input(lie, lie.Certify(req))
	in.Since = [][]byte{truth.Note}
	want(t, "all keys, and an earlier checkpoint", run(t, in), verify.CodeRewritten)

	tell2(truth)
	longer := truth.Note
	in = input(truth, truth.Certify(devices("d")))
	cut := world.New(t, "plant")
	tell(cut, 50)
	in = input(cut, cut.Certify(devices("d")))
	want(t, "a log that was cut, signed again", run(t, in), verify.CodeIncomplete)
	in.Since = [][]byte{longer}
	want(t, "a log that was cut, and a checkpoint of it whole", run(t, in), verify.CodeRewritten)
	in.Since = [][]byte{append([]byte("x"), longer...)}
	want(t, "an earlier checkpoint that nobody signed", run(t, in), verify.CodeSignature)
}

// turned is a world whose nodes all got other keys after a checkpoint, and the policy that knows none of the old ones.
func turned(t *testing.T, w *world.World) (kept []byte, policy []byte) {
	t.Helper()
	kept = w.Note
	var nodes []sign.Node
	for _, id := range []string{"n1", "n2", "n3"} {
		w.Rotate(id)
		v, err := w.Keys[id][len(w.Keys[id])-1].VerifierKey(sign.CosignerName(w.Origin, id))
		if err != nil {
			t.Fatal(err)
		}
		nodes = append(nodes, sign.Node{ID: id, Keys: []string{v.String()}})
	}
	p, err := sign.Build(w.Origin, nodes, 2, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	return kept, []byte(p.Text())
}

// TestTurnedOver: a checkpoint that somebody kept is of use after all nodes were replaced; and it says who vouches for it.
func TestTurnedOver(t *testing.T) {
	since := func(w *world.World) *certificate.Certificate {
		w.Cut()
		req := devices("late")
		req.Since = []int64{6}
		return w.Certify(req)
	}
	truth := plant(t)
	kept, policy := turned(t, truth)
	in := input(truth, since(truth))
	in.Policy, in.Since = policy, [][]byte{kept}
	got := run(t, in)
	want(t, "all nodes were replaced", got, verify.CodeComplete)
	if !notChecked(got, "history", "Whoever gave it with --since vouches for it") {
		t.Errorf("not checked: %+v", got.CannotCheck)
	}
	i := 0
	for got.Checks[i].Name != "history" {
		i++
	}
	if text := got.Checks[i].Text; !strings.Contains(text, "continues 1 earlier checkpoints; the signatures of 1 of them are not the policy's") {
		t.Error(text)
	}

	lie := world.New(t, "plant")
	lie.Send(world.Batch{Device: "more", Seqs: world.Seqs(1, 9)})
	grow(lie)
	_, policy = turned(t, lie)
	in = input(lie, since(lie))
	in.Policy, in.Since = policy, [][]byte{kept}
	got = run(t, in)
	want(t, "history was rewritten under new keys", got, verify.CodeRewritten)
	if last := got.Checks[len(got.Checks)-1]; !strings.Contains(last.Text, "whoever gave it with --since vouches for it") {
		t.Errorf("%+v", last)
	}

	changed := []byte(strings.Replace(string(lie.Note), lie.Origin+"\n8\n", lie.Origin+"\n7\n", 1))
	in = input(lie, since(lie))
	in.Policy, in.Since = policy, [][]byte{changed}
	want(t, "an earlier checkpoint that was changed", run(t, in), verify.CodeSignature)
	in.Since = [][]byte{[]byte("x" + string(kept))}
	want(t, "an earlier checkpoint of another log", run(t, in), verify.CodeSignature)
	in.Since = [][]byte{kept[:len(kept)/2]}
	want(t, "half a checkpoint", run(t, in), verify.CodeSignature)
}

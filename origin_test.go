package gapless

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/gaplessdb/gapless/compact"
	"github.com/gaplessdb/gapless/ingest"
	"github.com/gaplessdb/gapless/ledger"
	"github.com/gaplessdb/gapless/proof"
	"github.com/gaplessdb/gapless/raftfsm"
	"github.com/gaplessdb/gapless/raftfsm/port"
	"github.com/gaplessdb/gapless/tests/pki"
)

// TestOrigin: the leader commits nothing for another node that only a leader makes, nor, where it knows who calls, what speaks in a third one's name.
// Everything else reaches the log.
func TestOrigin(t *testing.T) {
	n := startSingle(t, nil)
	n2, plain := port.Caller{Server: "n2.b", Proven: true}, port.Caller{Server: "n2.b"}
	other := func(server string) string { return fmt.Sprintf(`{"server":%q}`, server) }
	for _, tt := range []struct {
		caller port.Caller
		kind   uint16
		body   string
		code   string // "" where the log has the last word
	}{
		{n2, raftfsm.KindBatch, "x", codeLeaderOnly},
		{n2, raftfsm.KindTick, "x", codeLeaderOnly}, // would end every node, now and at every start
		{plain, raftfsm.KindTick, `{"voters":1,"readings":[{"clock_ms":4102444800000}]}`, codeLeaderOnly},
		{n2, raftfsm.KindFound, `{}`, codeLeaderOnly},
		{n2, ledger.KindVerdict, "x", codeLeaderOnly},
		{n2, compact.KindPlan, `{}`, codeLeaderOnly},
		{n2, compact.KindDone, `{}`, codeLeaderOnly},
		{n2, proof.KindRetire, other("n1.a"), codeLeaderOnly},
		{n2, proof.KindWitness, `{}`, codeLeaderOnly},
		{n2, 65000, `{}`, codeLeaderOnly},

		{n2, raftfsm.KindFlushed, other(n.id.server()), codeOtherServer},
		{n2, raftfsm.KindMember, other(n.id.server()), codeOtherServer},
		{n2, compact.KindVerified, other(n.id.server()), codeOtherServer},
		{n2, compact.KindBuilt, other(n.id.server()), codeOtherServer},
		{n2, compact.KindAbort, other(n.id.server()), codeOtherServer},
		{n2, proof.KindRoots, other(n.id.server()), codeOtherServer},
		{n2, proof.KindKey, `{"server":"n2.b","SERVER":"n1.a"}`, codeOtherServer}, // the last one counts, for the log, too
		{n2, proof.KindCosign, other("n2.b") + other("n2.b"), codeOtherServer},
		{n2, proof.KindCosign, "", codeOtherServer},

		{n2, proof.KindRoots, other("n2.b"), ""},
		{n2, raftfsm.KindFlushed, other("n2.b"), ""},
		{plain, proof.KindRoots, other(n.id.server()), ""}, // without TLS nobody can tell
		{n2, raftfsm.KindPolicy, `{}`, ""},
	} {
		payload, err := joinHead(commandHead{tt.kind, 1, []byte(tt.body)}, nil)
		if err != nil {
			t.Fatal(err)
		}
		before := testutil.ToFloat64(n.foreign)
		_, err = n.answerOp(port.WithCaller(t.Context(), tt.caller), opCommand, payload)
		refused := new(ingest.RefusedError)
		if errors.As(err, &refused); tt.code != "" && (refused.Code != tt.code || refused.Status != http.StatusForbidden) {
			t.Errorf("%+v, kind %d, %s: %v", tt.caller, tt.kind, tt.body, err)
		}
		if more := testutil.ToFloat64(n.foreign) - before; (more == 1) != (tt.code != "") || tt.code == "" && refused.Status == http.StatusForbidden {
			t.Errorf("%+v, kind %d, %s: counted %v times, %v", tt.caller, tt.kind, tt.body, more, err)
		}
	}
}

// TestLedNoMore: what only the leader makes is not sent to another node by one that led a moment ago.
func TestLedNoMore(t *testing.T) {
	c := newCalmCluster(t)
	c.startAll()
	leader, followers := c.leader()
	if _, _, err := followers[0].ProposeCommand(t.Context(), compact.KindPlan, compact.CommandVersion, []byte(`{}`)); err == nil {
		t.Error("a follower planned a merge")
	}
	if n := testutil.ToFloat64(leader.foreign); n != 0 {
		t.Errorf("the leader was asked %v times", n)
	}
}

// TestOriginOverTLS: a node of an encrypted cluster, with its own certificate, says in another's name what floor that one has.
func TestOriginOverTLS(t *testing.T) {
	c := newCalmCluster(t)
	authority := pki.New(t)
	for i := range c.cfgs {
		f := &c.cfgs[i]
		f.ClusterCert, f.ClusterKey, f.ClusterCA = authority.Equip(t, f.Node)
	}
	c.startAll()
	leader, followers := c.leader()
	before := reportsOf(leader, followers[1].id.server())
	report := func(server string) error {
		body := fmt.Appendf(nil, `{"server":%q,"index":1,"hash":"%064d"}`, server, 0)
		_, _, err := followers[0].ProposeCommand(t.Context(), raftfsm.KindFlushed, 1, body)
		return err
	}
	refused := new(ingest.RefusedError)
	if err := report(followers[1].id.server()); !errors.As(err, &refused) || refused.Code != codeOtherServer {
		t.Errorf("in another's name: %v", err)
	}
	if after := reportsOf(leader, followers[1].id.server()); !slices.Equal(before, after) {
		t.Errorf("the log has %v of it, %v before", after, before)
	}
	if err := report(followers[0].id.server()); err != nil {
		t.Errorf("in its own name: %v", err)
	}
}

// reportsOf is the floors that a server has reported.
func reportsOf(n *Node, server string) (list []raftfsm.FloorReport) {
	n.state.View(func(v raftfsm.View) { list = slices.Clone(v.Floors.Of(server)) })
	return list
}

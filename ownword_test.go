package gapless

import (
	"errors"
	"net/http"
	"testing"

	"github.com/gaplessdb/gapless/ingest"
	"github.com/gaplessdb/gapless/proof"
	"github.com/gaplessdb/gapless/raftfsm/port"
)

// TestOwnWord: where the port knows who calls, a node has nothing committed in another one's name; its own words reach the log.
func TestOwnWord(t *testing.T) {
	n := startSingle(t, nil)
	for _, tt := range []struct {
		caller port.Caller
		server string
		asLog  bool // the log is asked, which refuses it for other reasons
	}{
		{port.Caller{Server: "n2.b", Proven: true}, n.id.server(), false},
		{port.Caller{Server: "n2.b", Proven: true}, "n2.b", true},
		{port.Caller{Server: "n2.b"}, n.id.server(), true},
	} {
		body := []byte(`{"server":"` + tt.server + `","ordinal":1,"content":{"root":"","strips":0,"frames":0}}`)
		payload, err := joinHead(commandHead{proof.KindRoots, proof.CommandVersion, body}, nil)
		if err != nil {
			t.Fatal(err)
		}
		_, err = n.answerOp(port.WithCaller(t.Context(), tt.caller), opCommand, payload)
		var refused *ingest.RefusedError
		if !errors.As(err, &refused) || (refused.Code != proof.CodeOtherServer) != tt.asLog || (refused.Status != http.StatusForbidden) != tt.asLog {
			t.Errorf("%+v says something for %s: %v", tt.caller, tt.server, err)
		}
	}
}

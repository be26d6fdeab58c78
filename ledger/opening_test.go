package ledger

import (
	"errors"
	"testing"

	"github.com/gaplessdb/gapless/frame"
)

// TestCommandsThatOpenAnEpoch: what a heartbeat or a declared loss says is the first that is known of the counter.
func TestCommandsThatOpenAnEpoch(t *testing.T) {
	sub := func(bits uint8) Subject {
		return Subject{Key: frame.StreamKey{Tenant: "default", Device: "d", Stream: "0"}, Bits: bits}
	}
	for _, tc := range []struct {
		name     string
		apply    func(*Ledger) error
		code     string // of the refusal, "" for none
		base     uint64
		expected uint64
	}{
		{"heartbeat across a wrap", func(l *Ledger) error {
			_, err := l.Heartbeat(1, &Heartbeat{Subject: sub(8), HasFirst: true, First: 250, Next: 5})
			return err
		}, "", 250, 11},
		{"heartbeat up to the wrap", func(l *Ledger) error {
			_, err := l.Heartbeat(1, &Heartbeat{Subject: sub(8), HasFirst: true, First: 250, Next: 0})
			return err
		}, "", 250, 6},
		{"heartbeat without a frame yet", func(l *Ledger) error {
			_, err := l.Heartbeat(1, &Heartbeat{Subject: sub(64), HasFirst: true, First: 7, Next: 7})
			return err
		}, "", 7, 0},
		{"loss across a wrap", func(l *Ledger) error {
			r, err := l.DeclareLost(1, &DeclareLost{Subject: sub(8), From: 250, To: 5})
			if err == nil && (r.Declared != 12 || r.Stored != 0 || r.Already != 0) {
				t.Errorf("result %+v, want 12 declared", r)
			}
			return err
		}, "", 250, 12},
		{"heartbeat beyond max_jump", func(l *Ledger) error {
			_, err := l.Heartbeat(1, &Heartbeat{Subject: sub(64), HasFirst: true, First: 0, Next: MaxSeq})
			return err
		}, CodeImplausibleJump, 0, 0},
		{"loss beyond max_jump", func(l *Ledger) error {
			_, err := l.DeclareLost(1, &DeclareLost{Subject: sub(64), From: 0, To: MaxSeq})
			return err
		}, CodeImplausibleJump, 0, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			l := New(Defaults())
			err := tc.apply(l)
			var refused *CommandError
			if tc.code != "" {
				if !errors.As(err, &refused) || refused.Code != tc.code {
					t.Fatalf("got %v, want %s", err, tc.code)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			id, _ := l.ID(sub(0).Key)
			reports, _ := l.Report(id, ReportOptions{})
			if len(reports) != 1 || reports[0].Expected != tc.expected || (tc.expected > 0 && (reports[0].Head.First == nil || *reports[0].Head.First != tc.base)) {
				t.Errorf("report %+v, want %d expected from %d on", reports, tc.expected, tc.base)
			}
			if b := l.TotalBalance(); b.Balance != 0 {
				t.Errorf("balance %+v", b)
			}
		})
	}
}

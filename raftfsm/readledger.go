package raftfsm

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/gaplessdb/gapless/ledger"
	"github.com/gaplessdb/gapless/raftfsm/floor"
)

// ReadLedger reads the ledger out of the floor at an index, and the policy that was in force there, as JSON. Nobody else has the ledger. It is
// floor.ErrNotFound where the store has no floor at that index any more.
func ReadLedger(s *floor.Store, index uint64) (l *ledger.Ledger, policy []byte, err error) {
	l = ledger.New(DefaultPolicy().Ledger)
	own := newPolicySection(ledger.New(DefaultPolicy().Ledger))
	err = s.Read(index, nil, func(name string, r io.Reader) error {
		switch name {
		case l.Name():
			return l.Restore(r)
		case own.Name():
			return own.Restore(r)
		}
		_, err := io.Copy(io.Discard, r)
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	if policy, err = json.Marshal(own.policy); err != nil {
		return nil, nil, fmt.Errorf("raftfsm: policy of floor %d: %w", index, err)
	}
	return l, policy, nil
}

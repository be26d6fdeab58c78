package gapless

import (
	"context"
	"fmt"
	"strings"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/gaplessdb/gapless/proof/sign"
	outsider "github.com/gaplessdb/gapless/proof/witness"
)

// maxOutside bounds Config.Witnesses: a checkpoint has room for the cosignatures of so many.
const maxOutside = 16

// outside are the witnesses of Config.Witnesses: "<verifier key> <address>" each, as in a line of a policy.
func (c *Config) outside() (list []sign.Outside, err error) {
	names := map[string]bool{}
	for _, text := range c.Witnesses {
		parts := strings.Fields(text)
		if len(parts) != 2 {
			return nil, fmt.Errorf("witnesses %.300q: give the witness's verifier key and its address, with a blank between", text)
		}
		client, err := outsider.New(parts[1], parts[:1], outsider.Options{})
		if err != nil {
			return nil, fmt.Errorf("witnesses: %w", err)
		}
		client.Close()
		name, _, _ := strings.Cut(parts[0], "+")
		if names[name] || strings.HasPrefix(name, sign.Origin("")) {
			return nil, fmt.Errorf("witnesses: %q is twice there, or a name that nodes have", name)
		}
		names[name] = true
		list = append(list, sign.Outside{Key: parts[0], URL: parts[1]})
	}
	if len(list) > maxOutside {
		return nil, fmt.Errorf("witnesses: %d of them, a checkpoint has room for the cosignatures of %d", len(list), maxOutside)
	}
	return list, nil
}

// outsideKeys are the keys of the outside witnesses, which Validate has looked at.
func (c *Config) outsideKeys() (keys []sign.VerifierKey) {
	for _, text := range c.Witnesses {
		if parts := strings.Fields(text); len(parts) > 0 {
			if key, err := sign.ParseVerifierKey(parts[0]); err == nil {
				keys = append(keys, key)
			}
		}
	}
	return keys
}

// outsiders ask the outside witnesses.
type outsiders = outsider.Worker

// openWitnesses makes the worker that asks the outside witnesses while this node leads.
func (n *Node) openWitnesses() (err error) {
	outside, err := n.cfg.outside()
	if err != nil {
		return err
	}
	n.outside, err = outsider.NewWorker(outsider.WorkerOptions{Log: witnessLog{n}, Witnesses: outside, Logger: n.log, Metrics: n.cfg.Registerer})
	return err
}

// witnessLog is the proof's log as the worker sees it.
type witnessLog struct{ n *Node }

// Look implements outsider.Log.
func (l witnessLog) Look() outsider.Look {
	look := (&proofCatalog{l.n}).Look()
	return outsider.Look{Leads: look.Leads && look.Active, Note: look.Section.Note(l.n.cfg.outsideKeys()...), Records: look.Section.LogSize()}
}

// Hashes implements outsider.Log.
func (l witnessLog) Hashes() (tlog.HashReader, int64) {
	return logHashes(l), l.n.sealer.Store().Size()
}

// Cosigned implements outsider.Log.
func (l witnessLog) Cosigned(ctx context.Context, c sign.Checkpoint, lines []string) error {
	return l.n.sealer.Witnessed(ctx, c, lines)
}

package gapless

import (
	"github.com/gaplessdb/gapless/compact"
	"github.com/gaplessdb/gapless/ledger"
	"github.com/gaplessdb/gapless/ledger/registry"
	"github.com/gaplessdb/gapless/proof"
	"github.com/gaplessdb/gapless/query/tail"
	"github.com/gaplessdb/gapless/raftfsm"
)

// Sections makes the sections of the replicated state that rooms above raftfsm bring, empty, in the order of a floor file.
func Sections(l *ledger.Ledger) []raftfsm.Section {
	return []raftfsm.Section{registry.New(l), tail.NewConsumers(), compact.NewSection(), proof.NewSection()}
}

// registryOf is the registry of devices of a state.
func registryOf(v *raftfsm.View) *registry.Registry { return v.Section("devices").(*registry.Registry) }

package tail

import (
	"errors"
	"fmt"
	"io"

	"github.com/go-json-experiment/json"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/ledger"
)

// checkpoint is the section as JSON, version 1: consumers ascending by tenant and name, no other members. The floor file around it has the
// checksum. It is read with the version first, so that a later one is told from damage.
type checkpoint struct {
	Section   string               `json:"section"`
	Version   int                  `json:"version"`
	Consumers []checkpointConsumer `json:"consumers"`
}

type checkpointConsumer struct {
	Tenant      string `json:"tenant"`
	Name        string `json:"name"`
	Position    string `json:"position"`
	CommittedMS int64  `json:"committed_ms"`
}

const checkpointVersion = 1

// ErrCorrupt is found by errors.Is when a checkpoint's bytes are damaged.
var ErrCorrupt = errors.New("tail: checkpoint of consumers is damaged")

// Freeze returns a function that writes the checkpoint of the section as it is now, later and from any goroutine. It copies a pointer for each
// tenant. Freeze is a change like any other: one goroutine at a time, and nobody reads.
func (c *Consumers) Freeze() func(io.Writer) error {
	type frozen struct {
		tenant string
		items  []*Consumer
	}
	var lists []frozen
	for tenant, items := range c.all() {
		c.tenants[tenant].shared = true
		lists = append(lists, frozen{tenant, items})
	}
	return func(w io.Writer) error {
		doc := checkpoint{Section: SectionName, Version: checkpointVersion, Consumers: []checkpointConsumer{}}
		for _, l := range lists {
			for _, one := range l.items {
				doc.Consumers = append(doc.Consumers, checkpointConsumer{l.tenant, one.Name, one.Position.String(), one.CommittedMS})
			}
		}
		if err := json.MarshalWrite(w, &doc); err != nil {
			return fmt.Errorf("tail: writing the checkpoint of consumers: %w", err)
		}
		return nil
	}
}

// Restore replaces the section by what Freeze wrote. Damage is ErrCorrupt, a later version ledger.ErrVersion; then the section is as it was.
func (c *Consumers) Restore(r io.Reader) error {
	b, err := io.ReadAll(io.LimitReader(r, c.LimitBytes()+1))
	if err != nil {
		return fmt.Errorf("tail: reading the checkpoint of consumers: %w", err)
	}
	if int64(len(b)) > c.LimitBytes() {
		return fmt.Errorf("%w: it has more than %d bytes", ErrCorrupt, c.LimitBytes())
	}
	var about struct {
		Version int `json:"version"`
	}
	if err := json.Unmarshal(b, &about); err != nil {
		return fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	if about.Version > checkpointVersion {
		return fmt.Errorf("tail: checkpoint of consumers has version %d, this program reads %d: %w", about.Version, checkpointVersion, ledger.ErrVersion)
	}
	var doc checkpoint
	if err := json.Unmarshal(b, &doc, json.RejectUnknownMembers(true)); err != nil {
		return fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	if doc.Section != SectionName || doc.Version != checkpointVersion {
		return fmt.Errorf("%w: it says to be section %q version %d", ErrCorrupt, doc.Section, doc.Version)
	}
	fresh := NewConsumers()
	for i := range doc.Consumers {
		if err := fresh.enter(&doc.Consumers[i], doc.Consumers[:i]); err != nil {
			return fmt.Errorf("%w: consumer %d: %w", ErrCorrupt, i, err)
		}
	}
	*c = *fresh
	return nil
}

// enter takes in one of a checkpoint, behind those before it.
func (c *Consumers) enter(one *checkpointConsumer, before []checkpointConsumer) error {
	if err := errors.Join(frame.ValidateName("tenant", one.Tenant), frame.ValidateName("consumer", one.Name)); err != nil {
		return err
	}
	if n := len(before); n > 0 {
		if last := &before[n-1]; last.Tenant > one.Tenant || last.Tenant == one.Tenant && last.Name >= one.Name {
			return fmt.Errorf("%q of %q comes behind %q of %q", one.Name, one.Tenant, last.Name, last.Tenant)
		}
	}
	at, err := frame.ParsePosition(one.Position)
	if err == nil {
		err = c.room(one.Tenant)
	}
	if err != nil {
		return err
	}
	c.put(one.Tenant, &Consumer{Name: one.Name, Position: at, CommittedMS: one.CommittedMS})
	return nil
}

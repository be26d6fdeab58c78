package tail

import (
	"cmp"
	"iter"
	"maps"
	"slices"

	"github.com/gaplessdb/gapless/frame"
)

// Consumers is the section "consumers" of the replicated state: how far each named reader of a tenant's frames has come. One goroutine may
// change it, and while it does nobody may read; otherwise any number of goroutines may read.
//
// A consumer comes to be with its first commit. Its position goes forward only, so that a commit that comes late or twice takes nothing
// back; a reset says otherwise on purpose.
type Consumers struct {
	tenants map[string]*consumerList
	total   int
}

// Consumer is a named reader's place. It is immutable.
type Consumer struct {
	Name        string
	Position    frame.Position // everything up to here was taken care of
	CommittedMS int64          // commit time of the command that said so
}

// consumerList is the consumers of one tenant, ascending by name.
type consumerList struct {
	items  []*Consumer
	shared bool // a frozen checkpoint reads the items: they are copied before the list changes
}

// Limits of the section. A commit that would pass one is refused.
const (
	MaxConsumers = 10_000  // of one tenant
	MaxAll       = 100_000 // of all tenants
)

// SectionName is the section's name in floors.
const SectionName = "consumers"

// NewConsumers returns the section before its first command.
func NewConsumers() *Consumers { return &Consumers{tenants: map[string]*consumerList{}} }

// Get finds a consumer.
func (c *Consumers) Get(tenant, name string) (Consumer, bool) {
	l := c.tenants[tenant]
	if l == nil {
		return Consumer{}, false
	}
	i, ok := l.find(name)
	if !ok {
		return Consumer{}, false
	}
	return *l.items[i], true
}

// List lists a tenant's consumers, ascending by name.
func (c *Consumers) List(tenant string) []Consumer {
	l := c.tenants[tenant]
	if l == nil {
		return nil
	}
	list := make([]Consumer, len(l.items))
	for i := range list {
		list[i] = *l.items[i]
	}
	return list
}

func (l *consumerList) find(name string) (int, bool) {
	return slices.BinarySearchFunc(l.items, name, func(c *Consumer, name string) int { return cmp.Compare(c.Name, name) })
}

// own makes the list ready to be changed.
func (l *consumerList) own() {
	if l.shared {
		l.items, l.shared = slices.Clone(l.items), false
	}
}

// put enters a consumer, or replaces it.
func (c *Consumers) put(tenant string, one *Consumer) {
	l := c.tenants[tenant]
	if l == nil {
		l = &consumerList{}
		c.tenants[tenant] = l
	}
	l.own()
	i, there := l.find(one.Name)
	if there {
		l.items[i] = one
		return
	}
	l.items = slices.Insert(l.items, i, one)
	c.total++
}

// remove takes out a consumer that is there.
func (c *Consumers) remove(tenant, name string) {
	l := c.tenants[tenant]
	l.own()
	i, _ := l.find(name)
	l.items = slices.Delete(l.items, i, i+1)
	if c.total--; len(l.items) == 0 {
		delete(c.tenants, tenant)
	}
}

// room says why one more consumer cannot be taken.
func (c *Consumers) room(tenant string) error {
	const hint = "delete consumers that nobody uses: DELETE /v1/consumers/{name}"
	if l := c.tenants[tenant]; l != nil && len(l.items) >= MaxConsumers {
		return refuse("too_many_consumers", hint, "the tenant has %d consumers, the limit", len(l.items))
	}
	if c.total >= MaxAll {
		return refuse("too_many_consumers", hint, "the cluster has %d consumers, the limit", c.total)
	}
	return nil
}

// all yields the tenants and their lists in order.
func (c *Consumers) all() iter.Seq2[string, []*Consumer] {
	return func(yield func(string, []*Consumer) bool) {
		for _, tenant := range slices.Sorted(maps.Keys(c.tenants)) {
			if !yield(tenant, c.tenants[tenant].items) {
				return
			}
		}
	}
}

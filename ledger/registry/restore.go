package registry

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
	"slices"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/ledger"
	"github.com/gaplessdb/gapless/ledger/canon"
)

// Restore replaces the registry by what a frozen one wrote, and the ledger's rules with it. It reads not a byte more. Damage is ErrCorrupt, another version
// ledger.ErrVersion; then, and when the reader fails, the registry and the rules are as before.
func (r *Registry) Restore(from io.Reader) error {
	in := &restore{sum: crc32.New(castagnoli), from: from, to: New(nil)}
	head := in.read(headerBytes)
	if in.err == nil {
		in.header(head)
	}
	for in.err == nil && in.block() {
	}
	in.finish()
	if in.err != nil {
		return in.err
	}
	r.replace(in.to)
	return nil
}

// replace takes the content of a registry that has no ledger.
func (r *Registry) replace(by *Registry) {
	for rec := range r.table.all() {
		if rec.rule != nil && by.tenants[rec.tenant].get(rec.device).ledgerRule().IsZero() {
			r.ledger.SetRule(rec.tenant, rec.device, ledger.Rule{})
		}
	}
	l := r.ledger
	*r = *by
	r.ledger = l
	r.publish()
	r.handRules()
}

// restore reads with a running checksum and keeps the first error.
type restore struct {
	from io.Reader
	sum  hash.Hash32
	at   int64 // bytes read
	err  error

	to      *Registry
	devices uint64 // announced
	newest  *record
	buf     bytes.Buffer
}

func (in *restore) corrupt(format string, args ...any) {
	if in.err == nil {
		in.err = fmt.Errorf("%w: at byte %d: %s", ErrCorrupt, in.at, fmt.Sprintf(format, args...))
	}
}

// read returns n bytes, or an error; they are valid until the next call. Memory grows with what is really there, not with what a length claims.
func (in *restore) read(n int) []byte {
	if in.err != nil {
		return nil
	}
	in.buf.Reset()
	got, err := io.CopyN(&in.buf, in.from, int64(n))
	in.at += got
	switch {
	case errors.Is(err, io.EOF):
		in.corrupt("ends %d bytes too early", int64(n)-got)
	case err != nil:
		in.err = fmt.Errorf("registry: reading the checkpoint: %w", err)
	}
	if in.err != nil {
		return nil
	}
	in.sum.Write(in.buf.Bytes())
	return in.buf.Bytes()
}

func (in *restore) header(head []byte) {
	magic, version := string(head[:len(checkpointMagic)]), head[len(checkpointMagic)]
	switch {
	case magic != checkpointMagic:
		in.corrupt("magic %q, want %q", magic, checkpointMagic)
		return
	case version != checkpointVersion:
		in.err = fmt.Errorf("registry: checkpoint version %d, this program reads %d: %w", version, checkpointVersion, ledger.ErrVersion)
		return
	}
	in.to.revision = binary.LittleEndian.Uint64(head[len(checkpointMagic)+1:])
	in.devices = binary.LittleEndian.Uint64(head[len(checkpointMagic)+9:])
}

// decoder reads a block.
type decoder struct{ canon.Decoder }

// block reads one block and reports whether another follows.
func (in *restore) block() bool {
	head := in.read(4)
	if in.err != nil {
		return false
	}
	length := binary.LittleEndian.Uint32(head)
	if length > maxBlockBytes {
		in.corrupt("block of %d bytes, the limit is %d", length, maxBlockBytes)
		return false
	}
	d := &decoder{canon.Decoder{Src: in.read(int(length))}}
	for in.err == nil && d.At < len(d.Src) {
		in.device(d)
	}
	return in.err == nil && length > 0
}

// finish compares what came with what the header announced, and the checksum.
func (in *restore) finish() {
	if in.err != nil {
		return
	}
	want := in.sum.Sum32()
	tail := in.read(4)
	if in.err != nil {
		return
	}
	if got := binary.LittleEndian.Uint32(tail); got != want {
		in.corrupt("checksum %08x, the bytes have %08x", got, want)
	} else if uint64(in.to.table.count) != in.devices {
		in.corrupt("%d devices, announced are %d", in.to.table.count, in.devices)
	}
}

// device reads one entry and enters it.
func (in *restore) device(d *decoder) {
	rec := in.entry(d)
	if d.Err == nil && rec.check() != nil {
		d.Fail("%v", rec.check())
	}
	if d.Err == nil && in.newest != nil && in.newest.compare(rec.tenant, rec.device) >= 0 {
		d.Fail("device %q of tenant %q is out of order", rec.device, rec.tenant)
	}
	if d.Err == nil && (rec.revision == 0 || rec.revision > in.to.revision) {
		d.Fail("device %q has revision %d, the registry %d", rec.device, rec.revision, in.to.revision)
	}
	if d.Err != nil {
		in.corrupt("block: %v", d.Err)
		return
	}
	in.newest = rec
	in.to.enter(rec, nil)
}

func (in *restore) entry(d *decoder) *record {
	rec := &record{}
	has := d.Flags(knownHas)
	switch {
	case has&hasTenant != 0:
		rec.tenant = d.Text(frame.MaxNameBytes)
		if err := frame.ValidateName("tenant", rec.tenant); err != nil || in.newest != nil && in.newest.tenant == rec.tenant {
			d.Fail("tenant %q: %v", rec.tenant, err)
		}
	case in.newest != nil:
		rec.tenant = in.newest.tenant
	default:
		d.Fail("the first device has no tenant")
	}
	rec.device = d.Text(frame.MaxNameBytes)
	rec.revision, rec.changedMS = d.Uvarint(), d.Varint()
	if has&hasType != 0 {
		if _, rec.kind = copyOf(in.to.index(rec.tenant), TypeLabel, d.Raw(frame.MaxNameBytes)); rec.kind == "" {
			d.Fail("empty type")
		}
	}
	switch has & (hasEvent | hasSnapshot) {
	case hasEvent:
		rec.class = ClassEvent
	case hasSnapshot:
		rec.class = ClassSnapshot
	case hasEvent | hasSnapshot:
		d.Fail("two classes")
	}
	if has&hasCadence != 0 {
		if rec.cadenceMS = int64(d.Within("cadence", maxCadenceMS)); rec.cadenceMS == 0 {
			d.Fail("no cadence")
		}
	}
	if has&hasRule != 0 {
		rec.rule = d.rule()
	}
	if has&hasLabels != 0 {
		rec.labels = d.labels(in.to.index(rec.tenant))
	}
	return rec
}

func (d *decoder) rule() *ledger.Rule {
	has := d.Flags(5)
	rule, zero := &ledger.Rule{}, (*uint64)(nil)
	for bit, v := range []**uint64{&rule.RestartBelow, &rule.RestartDrop, &rule.MisorderWindow, &zero, &rule.First} {
		if has&(1<<bit) != 0 {
			n := d.Uvarint()
			*v = &n
		}
	}
	if zero != nil {
		is := *zero == 1
		if rule.ProtocolZero = &is; *zero > 1 {
			d.Fail("protocol zero is %d", *zero)
		}
	}
	if has == 0 {
		d.Fail("empty rule")
	}
	return rule
}

// labels reads them with as many texts of the index as there are, so that a fleet's names and values are made once.
func (d *decoder) labels(t *tenantIndex) []label {
	count := d.Within("number of labels", MaxLabels)
	if count == 0 {
		d.Fail("no labels")
	}
	labels := make([]label, count)
	for i := range labels {
		name := d.Raw(frame.MaxNameBytes)
		if known := t.labels[string(name)]; known != nil {
			labels[i].name = known.name
		} else {
			labels[i].name = string(name)
		}
		labels[i].name, labels[i].value = copyOf(t, labels[i].name, d.Raw(frame.MaxNameBytes))
	}
	if !slices.IsSortedFunc(labels, func(a, b label) int { return compareNames(a.name, b.name) }) {
		d.Fail("labels are out of order")
	}
	return labels
}

// compareNames is like strings.Compare, but equal names are out of order.
func compareNames(a, b string) int {
	if a <= b {
		return -1
	}
	return 1
}

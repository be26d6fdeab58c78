package column

const (
	dictLimit   = 1024 // entries of a dictionary of numbers
	dictSamples = 256  // a dictionary is tried when of so many values ...
	dictNovelty = 240  // ... at most so many are distinct
	tableBits   = 12
	tableProbes = 4 // the table gives up beyond so many probes per value, which takes bad luck or somebody's intent
	goldenRatio = 0x9e3779b97f4a7c15
)

// numberTable maps distinct integers to codes: open addressing, at most a quarter full. The order of slots never shows in a result.
type numberTable struct {
	keys  []uint64 // in order of appearance
	slots [1 << tableBits]struct {
		key   uint64
		code  uint32
		round uint32 // the slot is free unless this is the table's
	}
	round  uint32
	probes int // since clear
}

func (t *numberTable) clear() {
	t.keys, t.probes = t.keys[:0], 0
	t.round++
	if t.round == 0 {
		clear(t.slots[:])
		t.round = 1
	}
}

// collect finds the distinct values of x. It gives up, with false, beyond limit, and when few says that so many are too many: it asks
// with the number among samples, and with the full number.
func (t *numberTable) collect(x []uint64, limit int, few func(distinct int) bool) bool {
	t.clear()
	stride, samples := max(1, len(x)/dictSamples), min(len(x), dictSamples)
	for i := range samples {
		t.add(x[i*stride])
	}
	if len(t.keys)*dictSamples > samples*dictNovelty || !few(len(t.keys)) {
		return false
	}
	for _, v := range x {
		if t.add(v); len(t.keys) > limit || t.probes > tableProbes*len(x) {
			return false
		}
	}
	return few(len(t.keys))
}

func (t *numberTable) add(v uint64) {
	if slot := &t.slots[t.slot(v)]; slot.round != t.round {
		slot.key, slot.round = v, t.round
		t.keys = append(t.keys, v)
	}
}

// slot is where v is, or where it belongs.
func (t *numberTable) slot(v uint64) int {
	i := v * goldenRatio >> (64 - tableBits)
	for t.slots[i].round == t.round && t.slots[i].key != v {
		i = (i + 1) % (1 << tableBits)
		t.probes++
	}
	return int(i)
}

func (t *numberTable) code(v uint64) uint64         { return uint64(t.slots[t.slot(v)].code) }
func (t *numberTable) recode(v uint64, code uint64) { t.slots[t.slot(v)].code = uint32(code) }

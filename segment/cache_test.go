package segment

import (
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"pgregory.net/rapid"
)

// oldestFirst is one shard of the cache, slow and obvious.
type oldestFirst struct {
	keys  []int64
	sizes map[int64]int64
	limit int64
}

func (o *oldestFirst) get(k int64) bool {
	i := slices.Index(o.keys, k)
	if i < 0 {
		return false
	}
	o.keys = append(slices.Delete(o.keys, i, i+1), k)
	return true
}

func (o *oldestFirst) put(k, size int64) {
	if size += entryOverhead; size > o.limit || slices.Contains(o.keys, k) {
		return
	}
	o.keys, o.sizes[k] = append(o.keys, k), size
	for o.bytes() > o.limit {
		o.keys = o.keys[1:]
	}
}

func (o *oldestFirst) bytes() (n int64) {
	for _, k := range o.keys {
		n += o.sizes[k]
	}
	return n
}

func TestCacheDropsWhatWasNotUsed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := NewCache(rapid.Int64Range(0, cacheShards*8000).Draw(t, "limit"))
		shard := &c.shards[0]
		var keys []cacheKey // of one shard: the others have bytes of their own
		for k := (cacheKey{}); len(keys) < 12; k.offset++ {
			if c.shard(&k) == shard {
				keys = append(keys, k)
			}
		}
		m := oldestFirst{sizes: map[int64]int64{}, limit: shard.limit}
		var hits, misses uint64
		for range rapid.IntRange(1, 100).Draw(t, "calls") {
			k := rapid.SampledFrom(keys).Draw(t, "key")
			if rapid.Bool().Draw(t, "put") {
				size := rapid.Int64Range(0, 3000).Draw(t, "size")
				c.put(k, k.offset, size)
				m.put(k.offset, size)
				continue
			}
			got, want := c.get(k), m.get(k.offset)
			if (got != nil) != want || want && got != k.offset {
				t.Fatalf("get(%d) = %v, want %v", k.offset, got, want)
			}
			if want {
				hits++
			} else {
				misses++
			}
		}
		if st := c.Stats(); st.Hits != hits || st.Misses != misses || st.Bytes != m.bytes() || st.Entries != int64(len(m.keys)) {
			t.Fatalf("%+v, want %d hits, %d misses, %d bytes of %d", st, hits, misses, m.bytes(), len(m.keys))
		}
	})
}

// Readers of one name share what is decoded, others do not; and many may read at once.
func TestReadersShareTheCache(t *testing.T) {
	_, _, info, file := mixedFile(t)
	cache := NewCache(64 << 20)
	var metrics ReaderMetrics
	named := ReaderOptions{Name: info.Name, Cache: cache, Metrics: &metrics}
	first := openBytes(t, file, named)
	want, err := dump(first)
	if err != nil {
		t.Fatal(err)
	}
	reads := metrics.Reads.Load()
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			if got, err := dump(openBytes(t, file, named)); err != nil || got != want {
				t.Errorf("another reader: %v", err)
			}
		})
	}
	wait.Wait()
	if opened := uint64(8); metrics.Reads.Load() != reads+opened {
		t.Errorf("%d reads after the first %d, want one for each open", metrics.Reads.Load()-reads, reads)
	}
	for range 2 {
		misses := cache.Stats().Misses
		if got, err := dump(openBytes(t, file, ReaderOptions{Cache: cache})); err != nil || got != want {
			t.Errorf("a reader without a name: %v", err)
		}
		if again := cache.Stats().Misses; again < misses+10 {
			t.Errorf("readers without a name share: %d misses, then %d", misses, again)
		}
	}
}

// Under pressure from many readers the cache stays within its limit and what is read stays right.
func TestCacheUnderPressure(t *testing.T) {
	_, _, info, file := mixedFile(t)
	want, err := dump(openBytes(t, file, ReaderOptions{}))
	if err != nil {
		t.Fatal(err)
	}
	cache := NewCache(cacheShards * 4000)
	var wait sync.WaitGroup
	for seed := range uint64(4) {
		wait.Go(func() {
			rnd := rand.New(rand.NewPCG(seed, 0))
			r := openBytes(t, file, ReaderOptions{Name: info.Name, Cache: cache})
			for range 5 {
				if got, err := dump(r); err != nil || got != want {
					t.Errorf("%v", err)
				}
				if _, err := r.Epochs(testKeys[rnd.IntN(len(testKeys))]); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wait.Wait()
	if st := cache.Stats(); st.Bytes > cacheShards*4000 || st.Evictions == 0 || st.Hits == 0 {
		t.Errorf("%+v", st)
	}
}

package gapless

import (
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/raft"

	"github.com/gaplessdb/gapless/compact"
	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/ledger"
	"github.com/gaplessdb/gapless/raftfsm"
	"github.com/gaplessdb/gapless/raftfsm/floor"
	"github.com/gaplessdb/gapless/segment"
	"github.com/gaplessdb/gapless/vfs"
)

// storyTerm is the term of every entry, storyServers are the members of the cluster; the node under test is the first.
const storyTerm = 3

var storyServers = []string{"n1.a", "n2.b", "n3.c"}

// story is what a cluster committed, and what a node that lived through it undisturbed has: the measure for one that did not.
type story struct {
	entries  []*raft.Log // the first has index 1
	roots    []ledger.Digest
	frames   map[string]sent
	floors   []chapter
	segments map[segment.Name][]byte

	planned uint64 // index of the entry that plans a merge
	merged  uint64 // and of the one that ends it

	author *storageNode
	next   map[string]uint64 // number of the next frame of a device
}

// sent is a frame of the story.
type sent struct {
	values string
	index  uint64 // of its entry
}

// chapter is a floor of the story.
type chapter struct {
	floor.Published
	file     []byte
	header   floor.Header
	lists    []segment.Info
	reported uint64 // index of the entry with which two members have reported it, 0 where the story ends before
	end      uint64 // of the chapter
}

// newStory has a flush point in each chapter; every second one ends with reports of two floors. In the chapter wrong, counted from 1, one value differs
// from what was sent: so a node flushes whose memory is sick.
func newStory(chapters, wrong int) *story {
	s := &story{frames: map[string]sent{}, segments: map[segment.Name][]byte{}, next: map[string]uint64{}}
	var err error
	s.author, err = bootStorage(vfs.NewMem())
	s.must(err)
	var c raft.Configuration
	for _, server := range storyServers {
		c.Servers = append(c.Servers, raft.Server{ID: raft.ServerID(server), Address: raft.ServerAddress(server)})
	}
	s.add(raft.LogConfiguration, raft.EncodeConfiguration(c))
	s.commandOf(raftfsm.KindFound, 2, map[string]any{"cluster_id": "c", "history": 1, "cluster_version": 2})
	s.command(raftfsm.KindTick, raftfsm.Tick{Voters: 3, Readings: []raftfsm.Reading{{Node: "n1", ClockMS: 1_700_000_000_000}}})
	for i := range chapters {
		s.tell(i, i+1 == wrong)
	}
	if chapters > 2 && len(s.floors[2].lists) != 2 {
		s.must(fmt.Errorf("the third floor lists %d segments, want a merged one and its own", len(s.floors[2].lists)))
	}
	evidence := 0
	s.must(s.author.see(s, nil, func(name string, index uint64, f *frame.Frame) {
		if strings.Contains(name, "/_") { // what the cluster itself has made
			s.frames[name] = sent{contents(f), index}
			evidence++
		}
	}))
	if evidence != chapters {
		s.must(fmt.Errorf("%d frames of evidence for %d contradictions", evidence, chapters))
	}
	s.must(s.author.close())
	return s
}

// tell adds a chapter.
func (s *story) tell(i int, wrong bool) {
	s.add(raft.LogNoop, nil) // as a new leader begins
	s.send("d1", 5, 0)
	if wrong {
		s.send("d2", 4, 1000)
	} else {
		s.send("d2", 4, 0)
	}
	if i > 0 {
		s.sendKeyed(i - 1) // the request of the chapter before comes again
	}
	s.sendKeyed(i)
	s.add(raft.LogCommand, raftfsm.AppendCommand(nil, raftfsm.KindFlush, 1, 0, nil))
	s.next["d1"] -= 2 // two of them again
	s.next["d2"]++    // one that is lost
	s.contradict(uint64(i))
	s.send("d1", 4, 0)
	s.send("d2", 2, 0)
	if i%2 == 1 { // at once of this floor, late of the one before
		s.report(i - 1)
		s.report(i)
	}
	if i == 1 {
		s.merge()
	}
	s.floors[i].end = uint64(len(s.entries))
}

func (s *story) must(err error) {
	if err != nil {
		panic(fmt.Sprintf("the story cannot be told: %v", err))
	}
}

// add commits an entry, and flushes behind it.
func (s *story) add(kind raft.LogType, data []byte) {
	l := &raft.Log{Index: uint64(len(s.entries)) + 1, Term: storyTerm, Type: kind, Data: data}
	s.entries = append(s.entries, l)
	s.must(s.author.append(l))
	s.roots = append(s.roots, s.author.root())
	for s.author.state.Pressure() > 0 {
		s.must(s.author.step())
		s.chapter()
	}
}

func (s *story) command(kind uint16, body any) { s.commandOf(kind, 1, body) }

func (s *story) commandOf(kind uint16, version uint8, body any) {
	b, err := json.Marshal(body)
	s.must(err)
	s.add(raft.LogCommand, raftfsm.AppendCommand(nil, kind, version, 0, b))
}

// merge plans, makes and ends a merge of the first two segments. It takes effect at the next floor.
func (s *story) merge() {
	var inputs []map[string]any
	s.author.state.View(func(v raftfsm.View) {
		for _, i := range v.Manifest.Segments()[:2] {
			inputs = append(inputs, map[string]any{
				"name": i.Name.String(), "bytes": i.Bytes, "frames": i.Frames, "streams": i.Streams, "blocks": i.Blocks,
				"first_index": i.FirstIndex, "last_index": i.LastIndex, "first_ns": i.FirstNS, "last_ns": i.LastNS, "encoder": i.Encoder,
			})
		}
	})
	s.command(compact.KindPlan, map[string]any{"floor": s.floors[1].Index, "window_ns": int64(time.Hour), "builder": storyServers[0], "inputs": inputs})
	s.planned = uint64(len(s.entries))
	s.author.propose = func(kind uint16, body []byte) { s.commandOf(kind, 1, json.RawMessage(body)) }
	s.must(s.author.merge())
	var outputs []string
	s.author.state.View(func(v raftfsm.View) { outputs = namesOf(mergesOf(&v).Plans()[0].Outputs) })
	s.command(compact.KindVerified, map[string]any{"id": s.planned, "server": storyServers[1], "outputs": outputs})
	s.command(compact.KindDone, map[string]any{"id": s.planned, "voters": storyServers, "verified": storyServers[:2]})
	s.merged = uint64(len(s.entries))
}

// send commits the next n frames of a device, numbered.
func (s *story) send(device string, n int, wrong int64) {
	key := frame.StreamKey{Tenant: "default", Device: device, Stream: "0"}
	var frames []frame.Frame
	for range n {
		seq := s.next[device]
		frames = append(frames, s.frame(seq, int64(7*seq)+wrong))
		s.sent(frameName(key, 1, seq), &frames[len(frames)-1])
		s.next[device]++
	}
	s.batch([]byte{0}, key, frame.Group{Bits: 64}, frames)
}

// contradict commits a number of d2 again, with another value. The first one stays; the second is kept as evidence under a name of the
// system.
func (s *story) contradict(seq uint64) {
	key := frame.StreamKey{Tenant: "default", Device: "d2", Stream: "0"}
	s.batch([]byte{0}, key, frame.Group{Bits: 64}, []frame.Frame{s.frame(seq, -1)})
}

// sendKeyed commits a request with an idempotency key, whose frame has no number.
func (s *story) sendKeyed(request int) {
	key := frame.StreamKey{Tenant: "default", Device: "keyed", Stream: "0"}
	name := fmt.Sprint("request ", request)
	head := append([]byte{1, 7}, "default"...)
	head = append(append(head, byte(len(name))), name...)
	head = append(head, make([]byte, 32)...) // of the request's SHA-256
	f := s.frame(0, int64(request))
	s.sent(frameName(key, 1, uint64(request)+1), &f) // the server numbers from 1
	s.batch(head, key, frame.Group{Bits: 64, Unseq: true}, []frame.Frame{f})
}

func (s *story) frame(seq uint64, value int64) frame.Frame {
	return frame.Frame{Seq: seq, TimeNS: 1_700_000_000e9 + value*1e9, Class: frame.ClassEvent, Raw: make([]byte, 200),
		Fields: []frame.Field{{Name: "v", Value: frame.Int(value)}}}
}

// sent notes a frame of the next entry, the first time.
func (s *story) sent(name string, f *frame.Frame) {
	if s.frames[name].index == 0 {
		s.frames[name] = sent{contents(f), uint64(len(s.entries)) + 1}
	}
}

// batch commits frames as one part, which begins with head.
func (s *story) batch(head []byte, key frame.StreamKey, g frame.Group, frames []frame.Frame) {
	var b frame.Builder
	b.Reset(frame.Header{ReceiveMS: 1_700_000_000_500})
	id, err := b.Stream(key)
	s.must(err)
	g.Stream = id
	for i := range frames {
		s.must(b.Add(g, &frames[i]))
	}
	batch, err := b.Finish(nil)
	s.must(err)
	s.author.state.View(func(v raftfsm.View) {
		batch, err = frame.Rebase(nil, batch, func(d frame.Def) (frame.StreamID, bool) {
			if id, ok := v.Ledger.ID(d.Key); ok {
				return id, false
			}
			return v.Ledger.NextID(), true
		})
	})
	s.must(err)
	body := append([]byte{1}, head...) // one part
	body = binary.AppendUvarint(body, uint64(len(batch)))
	s.add(raft.LogCommand, raftfsm.AppendCommand(nil, raftfsm.KindBatch, 1, storyTerm, append(body, batch...)))
}

// contents is all that a frame carries, to be compared.
func contents(f *frame.Frame) string { return fmt.Sprint(f.Fields) + string(f.Raw) }

func frameName(key frame.StreamKey, epoch uint32, seq uint64) string {
	return fmt.Sprintf("%s/%s/%s %d %d", key.Tenant, key.Device, key.Stream, epoch, seq)
}

// chapter takes down what the flush that was just done has made.
func (s *story) chapter() {
	n := s.author
	c := chapter{Published: n.newestFloor()}
	var err error
	c.file, err = n.floors.ReadRange(c.Hash, 0, int(c.Bytes))
	s.must(err)
	s.must(n.floors.Read(c.Index, func(h floor.Header) error { c.header = h; return nil }, nil))
	n.state.View(func(v raftfsm.View) { c.lists = v.Manifest.Segments() })
	for _, info := range c.lists {
		if s.segments[info.Name] == nil {
			s.segments[info.Name], err = vfs.ReadFile(n.dir, path.Join(segmentsDir, info.Name.FileName()), 1<<20)
			s.must(err)
		}
	}
	s.floors = append(s.floors, c)
}

// report commits that two members have a floor.
func (s *story) report(i int) {
	c := &s.floors[i]
	for _, server := range storyServers[:2] {
		s.command(raftfsm.KindFlushed, raftfsm.FloorReport{Server: server, Index: c.Index, Hash: hex.EncodeToString(c.Hash[:])})
	}
	c.reported = uint64(len(s.entries))
}

// at returns the floor of an index.
func (s *story) at(index uint64) (chapter, bool) {
	i := slices.IndexFunc(s.floors, func(c chapter) bool { return c.Index == index })
	if i < 0 {
		return chapter{}, false
	}
	return s.floors[i], true
}

// safe is how far the log may be cut by a node that applied up to index: two members reported the floor there.
func (s *story) safe(index uint64) (safe uint64) {
	for _, c := range s.floors {
		if c.reported > 0 && c.reported <= index {
			safe = c.Index
		}
	}
	return safe
}

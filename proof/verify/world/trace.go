package world

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/proof/content"
	"github.com/gaplessdb/gapless/proof/leaves"
	"github.com/gaplessdb/gapless/proof/merkle"
	"github.com/gaplessdb/gapless/proof/record"
)

// Trace is what GET /v1/trace answers of a stored frame, as docs/http-api.md has it, with the proof to the newest checkpoint. edit, unless it is nil,
// changes it before it is written.
func (w *World) Trace(key frame.StreamKey, epoch uint32, seq uint64, edit func(map[string]any)) []byte {
	w.TB.Helper()
	ordinal, proof := uint32(0), content.FrameProof{}
	for at := uint32(1); ordinal == 0; at++ {
		if int(at) > len(w.seals) {
			w.TB.Fatalf("number %d of epoch %d of %s is in no seal", seq, epoch, key)
		}
		if p, err := content.ProveFrame(context.Background(), w.Readers(), key, epoch, at, seq); err == nil {
			ordinal, proof = at, p
		}
	}
	f, err := proof.Check(seq)
	w.must(err)
	strip := w.provenStrip(leaves.Key{StreamKey: key, Epoch: epoch}, ordinal)
	seal, commit := w.provenSeal(ordinal)
	frameShown := shown(key, epoch, &f)
	frameShown["position"] = frame.Position{History: w.History, Index: commit}.String()
	answer := map[string]any{
		"device": key.Device, "stream": key.Stream, "seq": seq, "result": "stored", "epoch": map[string]any{"ordinal": epoch, "raw": "a"},
		"frame": frameShown, "commit": map[string]any{"history": w.History, "index": commit, "ordinal": 0}, "layer": map[string]any{"kind": "segment"},
		"seal": map[string]any{
			"ordinal": ordinal,
			"proof": map[string]any{
				"group": leaf(proof.Index, proof.Size, proof.Group, proof.Proof), "strip": strip, "seal": seal, "checkpoint": string(w.Note),
			},
		},
	}
	if edit != nil {
		edit(answer)
	}
	b, err := json.Marshal(answer)
	w.must(err)
	return b
}

func leaf(index, size int64, data []byte, proof []merkle.Hash) map[string]any {
	if proof == nil {
		proof = []merkle.Hash{}
	}
	return map[string]any{"index": index, "size": size, "data": data, "proof": proof}
}

func (w *World) provenStrip(key leaves.Key, ordinal uint32) map[string]any {
	file, err := leaves.Open(w.FS, leafDir+"/"+leaves.FileName(leaves.Strips, uint64(ordinal)))
	w.must(err)
	i, found, err := file.Find(key)
	w.must(err)
	if !found {
		w.TB.Fatalf("ordinal %d has no strip of %s", ordinal, key)
	}
	data, err := file.Leaf(i)
	w.must(err)
	proof, err := tlog.ProveRecord(file.Count(), i, file)
	w.must(err)
	return leaf(i, file.Count(), data, proof)
}

// provenSeal is the SEAL of an ordinal, and the last index in it.
func (w *World) provenSeal(ordinal uint32) (l map[string]any, last uint64) {
	at := w.seals[ordinal-1]
	rec, err := record.Parse(w.Records[at])
	w.must(err)
	size, err := strconv.ParseInt(strings.Split(string(w.Note), "\n")[1], 10, 64)
	w.must(err)
	proof, err := tlog.ProveRecord(size, at, &w.log)
	w.must(err)
	return leaf(at, size, w.Records[at], proof), rec.(*record.Seal).Last
}

// shown is a frame as a node writes it.
func shown(key frame.StreamKey, epoch uint32, f *content.Frame) map[string]any {
	fields := map[string]any{}
	for i := range f.Fields {
		switch v := &f.Fields[i].Value; v.Kind {
		case frame.KindFloat:
			if x := v.Float64(); math.IsNaN(x) || math.IsInf(x, 0) {
				fields[f.Fields[i].Name] = fmt.Sprint(x) // "NaN", "+Inf", "-Inf"
			} else {
				fields[f.Fields[i].Name] = x
			}
		case frame.KindInt:
			fields[f.Fields[i].Name] = v.Int64()
		case frame.KindUint:
			fields[f.Fields[i].Name] = v.Uint64()
		case frame.KindBool:
			fields[f.Fields[i].Name] = v.Bool()
		case frame.KindString:
			fields[f.Fields[i].Name] = string(v.Str)
		case frame.KindBytes:
			fields[f.Fields[i].Name] = v.Str
		}
	}
	m := map[string]any{
		"device": key.Device, "stream": key.Stream, "epoch": epoch, "seq": f.Seq, "time": time.Unix(0, f.TimeNS).UTC().Format(time.RFC3339Nano),
		"class": f.Class.String(), "fields": fields, "received": "2026-11-21T10:00:00Z",
	}
	if f.NoTime {
		m["flags"] = []string{"late", "no_time"}
	}
	if len(f.Raw) > 0 {
		m["raw"] = f.Raw
	}
	return m
}

// Package witnesstest is a witness for tests. It follows c2sp.org/tlog-witness to the letter, checks every proof itself, and keeps its
// state in memory: it is not for use.
package witnesstest

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/gaplessdb/gapless/proof/sign"
)

// Witness is an http.Handler for POST .../add-checkpoint.
type Witness struct {
	key  sign.VerifierKey
	sign note.Signer

	mu     sync.Mutex
	logs   []sign.VerifierKey
	latest map[string]sign.Checkpoint // by origin
	asked  int
}

// New makes a witness of that name that knows logs by the keys with which they sign (type 0x01, named as the origin).
func New(name string, key sign.Key, now func() time.Time, logs ...sign.VerifierKey) (*Witness, error) {
	signer, err := key.Cosigner(name, now)
	if err != nil {
		return nil, err
	}
	vkey, err := key.VerifierKey(name)
	if err != nil {
		return nil, err
	}
	return &Witness{key: vkey, sign: signer, logs: logs, latest: map[string]sign.Checkpoint{}}, nil
}

// VerifierKey is the text under which its cosignatures are known.
func (w *Witness) VerifierKey() string { return w.key.String() }

// Trust makes it know further keys of logs, as its operator would.
func (w *Witness) Trust(logs ...sign.VerifierKey) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.logs = append(w.logs, logs...)
}

// Latest is the newest checkpoint of a log that it cosigned.
func (w *Witness) Latest(origin string) (sign.Checkpoint, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	c, ok := w.latest[origin]
	return c, ok
}

// Asked is how many requests came.
func (w *Witness) Asked() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.asked
}

func (w *Witness) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost || !strings.HasSuffix(r.URL.Path, "/add-checkpoint") {
		http.NotFound(rw, r)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(rw, r.Body, 64<<10))
	if err != nil {
		http.Error(rw, err.Error(), http.StatusBadRequest)
		return
	}
	req, err := parse(body)
	if err != nil {
		http.Error(rw, err.Error(), http.StatusBadRequest)
		return
	}
	status, answer := w.add(req)
	if status == http.StatusConflict && strings.HasSuffix(answer, "\n") {
		rw.Header().Set("Content-Type", "text/x.tlog.size")
	}
	rw.WriteHeader(status)
	_, _ = io.WriteString(rw, answer)
}

// add decides in the order of the specification. A size in an answer ends with a newline, a reason does not.
func (w *Witness) add(r *request) (status int, answer string) {
	w.mu.Lock() // one request at a time: comparing and keeping are one step
	defer w.mu.Unlock()
	w.asked++
	var keys []note.Verifier
	for _, k := range w.logs {
		if k.Name == r.checkpoint.Origin {
			keys = append(keys, k.Verifier())
		}
	}
	if len(keys) == 0 {
		return http.StatusNotFound, "unknown log"
	}
	if _, err := note.Open(r.note, note.VerifierList(keys...)); err != nil {
		return http.StatusForbidden, "no signature of the log: " + err.Error()
	}
	if r.old > r.checkpoint.Size {
		return http.StatusBadRequest, "the old size is larger than the checkpoint's"
	}
	latest := w.latest[r.checkpoint.Origin] // size 0 if there is none
	if r.old != latest.Size {
		return http.StatusConflict, fmt.Sprintf("%d\n", latest.Size)
	}
	if !consistent(r, latest) {
		return http.StatusUnprocessableEntity, "the proof does not hold"
	}
	if _, seen := w.latest[r.checkpoint.Origin]; seen && r.old == r.checkpoint.Size && r.checkpoint.Root != latest.Root {
		return http.StatusConflict, "another root at that size"
	}
	signed, err := sign.SignCheckpoint(r.checkpoint, w.sign)
	if err != nil {
		return http.StatusInternalServerError, err.Error()
	}
	w.latest[r.checkpoint.Origin] = r.checkpoint
	_, lines, _ := bytes.Cut(signed, []byte("\n\n"))
	return http.StatusOK, string(lines)
}

// consistent checks that the proof leads from what the witness holds to the checkpoint.
func consistent(r *request, latest sign.Checkpoint) bool {
	if r.old == 0 || r.old == r.checkpoint.Size {
		return len(r.proof) == 0
	}
	return tlog.CheckTree(r.proof, r.checkpoint.Size, r.checkpoint.Root, latest.Size, latest.Root) == nil
}

// request is the body of add-checkpoint.
type request struct {
	old        int64
	proof      tlog.TreeProof
	note       []byte
	checkpoint sign.Checkpoint
}

func parse(body []byte) (*request, error) {
	head, signed, ok := bytes.Cut(body, []byte("\n\n"))
	if !ok {
		return nil, fmt.Errorf("no empty line before the checkpoint")
	}
	lines := strings.Split(string(head), "\n")
	size, ok := strings.CutPrefix(lines[0], "old ")
	old, err := strconv.ParseInt(size, 10, 64)
	if !ok || err != nil || old < 0 || strconv.FormatInt(old, 10) != size {
		return nil, fmt.Errorf("the first line is %.40q, want old and a size", lines[0])
	}
	r := &request{old: old, note: signed}
	for _, line := range lines[1:] {
		h, err := tlog.ParseHash(line)
		if err != nil || h.String() != line || len(r.proof) == 63 {
			return nil, fmt.Errorf("%.60q is not a hash of the proof, or it has more than 63", line)
		}
		r.proof = append(r.proof, h)
	}
	text, _, err := sign.Split(signed)
	if err != nil {
		return nil, err
	}
	r.checkpoint, err = sign.ParseCheckpoint(text)
	return r, err
}

package replay

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/gaplessdb/gapless/frame"
)

// Limits of what may be asked for.
const (
	maxConnections = lanes
	maxProblems    = 20      // bad rows that a result describes; all are counted
	maxDevices     = 1 << 20 // of one file
)

// Options is what a run does with a file.
type Options struct {
	Mapping Mapping
	Stdin   io.Reader // read where the file's name is "-"

	Batch       int     // frames of one request, at most; default 1,000
	Connections int     // 1 to 32; default 4
	Rate        float64 // frames a second; 0: as fast as the cluster takes them
	Speed       float64 // times the speed of the recording, by its device times; 0: off

	SkipBad   bool   // leave bad rows out; otherwise the first one ends the run
	AllowSkew bool   // send frames although the cluster will not believe their times
	State     string // path of the state file, "" for none
	Registry  Registry
	Nodes     Nodes

	Progress func(Progress) // is told now and then, nil for nobody
	Notice   func(string)   // is told what a person should know, nil for nobody
}

// Progress is how far a run is.
type Progress struct {
	Done, Total int64 // bytes of the file as it lies on disk; Total is 0 where it is unknown
	Frames      int64 // answered in this run
}

// Validate checks what does not need the file.
func (o *Options) Validate() error {
	switch {
	case o.Batch < 1 || o.Batch > frame.MaxBatchFrames:
		return fmt.Errorf("replay: batch %d: give 1 to %d", o.Batch, frame.MaxBatchFrames)
	case o.Connections < 1 || o.Connections > maxConnections:
		return fmt.Errorf("replay: connections %d: give 1 to %d", o.Connections, maxConnections)
	case !(o.Rate >= 0 && o.Rate <= 1e9):
		return fmt.Errorf("replay: rate %v: give frames a second, or 0 for as fast as possible", o.Rate)
	case o.Speed != 0 && !(o.Speed >= 1e-3 && o.Speed <= 1e9):
		return fmt.Errorf("replay: speed %v: give 0.001 to 1000000000 times that of the recording", o.Speed)
	case o.Rate > 0 && o.Speed > 0:
		return fmt.Errorf("replay: give rate or speed, not both")
	case o.Speed > 0 && o.Mapping.Time == "":
		return fmt.Errorf("replay: speed goes by the column of the time: name it with time")
	case len(o.Nodes.URLs) == 0:
		return fmt.Errorf("replay: no node is named")
	}
	return nil
}

// batchSize is how many frames a batch may have. At a low rate batches are smaller, so that ten a second go out.
func (o *Options) batchSize() int {
	if o.Rate == 0 {
		return o.Batch
	}
	return min(o.Batch, max(1, int(o.Rate*pulse.Seconds())))
}

// digest covers all that decides which frames a batch has.
func (o *Options) digest() (string, error) {
	b, err := json.Marshal(struct {
		Version int
		Mapping Mapping
		Batch   int
		Speed   float64
	}{stateVersion, o.Mapping, o.batchSize(), o.Speed})
	if err != nil {
		return "", fmt.Errorf("replay: settings: %w", err)
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:]), nil
}

func (o *Options) progress(p Progress) {
	if o.Progress != nil {
		o.Progress(p)
	}
}

func (o *Options) notice(format string, args ...any) {
	if o.Notice != nil {
		o.Notice(fmt.Sprintf(format, args...))
	}
}

// saveEvery is how often the state file is written while all goes well.
const saveEvery = time.Second

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/gaplessdb/gapless/ledger"
	"github.com/gaplessdb/gapless/raftfsm/floor"
	"github.com/gaplessdb/gapless/segment"
)

// dumpOutput is what the dumps of files have in common: where they print, in which form, and the damage that they came across.
type dumpOutput struct {
	w    io.Writer
	json bool

	places  map[string]bool // damage that was printed: two ways may lead to it
	damaged int
	unread  int                   // files, or parts of them, that are not known to be damaged and yet could not be read
	missing map[segment.Name]bool // segments that a manifest names and that are not on the disk as it says
}

// damageLine is damage, or what kept a file from being read, as --json prints it.
type damageLine struct {
	Type   string `json:"type"` // damage or error
	Path   string `json:"path"`
	Offset *int64 `json:"offset,omitempty"` // bytes from the start of the file
	What   string `json:"what,omitempty"`
	Want   string `json:"want,omitempty"`
	Got    string `json:"got,omitempty"`
	Error  string `json:"error,omitempty"` // what a decoder says, when want and got do not say it all
}

// damageOf finds the place of damage in an error, whatever wraps it.
func damageOf(path string, err error) damageLine {
	line := damageLine{Type: "damage", Path: path}
	var inSegment *segment.CorruptError
	var inFloor *floor.CorruptError
	switch {
	case errors.As(err, &inSegment):
		line.Offset, line.What, line.Want, line.Got = &inSegment.Offset, inSegment.What, inSegment.Want, inSegment.Got
		if inSegment.Err != nil {
			line.Error = inSegment.Err.Error()
		}
	case errors.As(err, &inFloor):
		line.Offset, line.What, line.Want, line.Got = &inFloor.Offset, "floor file", inFloor.Want, inFloor.Got
	case errors.Is(err, ledger.ErrCorrupt):
		line.What, line.Error = "ledger", err.Error()
	default:
		line.Type, line.Error = "error", err.Error()
	}
	return line
}

// String is the line as text. Names in it may come from devices.
func (d *damageLine) String() string {
	if d.Type == "error" {
		return clean(fmt.Sprintf("UNREADABLE %s: %s", d.Path, d.Error))
	}
	s := "DAMAGED " + d.Path
	if d.Offset != nil {
		s += fmt.Sprintf(":%d", *d.Offset)
	}
	s += ": " + d.What
	if d.Want != "" || d.Got != "" {
		s += fmt.Sprintf(": want %s, got %s", d.Want, d.Got)
	}
	if d.Error != "" {
		s += ": " + d.Error
	}
	return clean(s)
}

// fault prints damage, once for each place, or why a file cannot be read. The dump goes on; result ends it.
func (o *dumpOutput) fault(path string, err error) error { return o.report(damageOf(path, err)) }

func (o *dumpOutput) report(d damageLine) error {
	text, place := d.String(), d.String()
	if d.Offset != nil {
		place = fmt.Sprintf("%s:%d", d.Path, *d.Offset)
	}
	if o.places[place] {
		return nil
	}
	if o.places == nil {
		o.places = map[string]bool{}
	}
	o.places[place] = true
	if d.Type == "error" {
		o.unread++
	} else {
		o.damaged++
	}
	if o.json {
		return o.object(d)
	}
	_, err := fmt.Fprintln(o.w, text)
	return err
}

// object prints a line of --json.
func (o *dumpOutput) object(v any) error {
	enc := json.NewEncoder(o.w)
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

// result makes the exit code 1 when something is wrong.
func (o *dumpOutput) result() error {
	var wrong []string
	for _, kind := range []struct {
		n         int
		one, many string
	}{
		{o.damaged, "damaged place", "damaged places"},
		{o.unread, "file or part that cannot be read", "files or parts that cannot be read"},
		{len(o.missing), "segment that is not there", "segments that are not there"},
	} {
		if kind.n > 0 {
			wrong = append(wrong, plural(kind.n, kind.one, kind.many))
		}
	}
	if len(wrong) == 0 {
		return nil
	}
	return errors.New(strings.Join(wrong, ", "))
}

// plural counts things.
func plural[N int | int64 | uint32 | uint64](n N, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

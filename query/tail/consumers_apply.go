package tail

import (
	"errors"
	"fmt"

	"github.com/go-json-experiment/json"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/ledger"
)

// Kinds of the section's commands in the replicated log, and the version of their bodies that this program writes.
const (
	KindCommit uint16 = 96 // moves a consumer forward, or makes it
	KindReset  uint16 = 97 // moves it anywhere, or makes it
	KindDelete uint16 = 98

	firstKind, lastKind uint16 = 96, 111

	CommandVersion uint8 = 1
)

// Command is the body of every command of the section, as JSON without other members. A deletion has no position.
type Command struct {
	Tenant   string `json:"tenant"`
	Name     string `json:"name"`
	Position string `json:"position,omitzero"`
	By       string `json:"by,omitzero"` // who sent it, where that is kept: of a reset and a deletion
}

// Result is what a command did.
type Result struct {
	Name     string `json:"name"`
	Position string `json:"position"` // where the consumer is, or was when it was deleted
	Changed  bool   `json:"changed"`  // false for a commit that was known
}

const (
	maxCommandBytes = 16 << 10
	maxByBytes      = 1024
)

// Refusal is a command that was refused: the same on every node, and nothing changed.
type Refusal struct {
	Code, Message, Hint string // Code is stable; Hint says what to do
	Conflict            bool   // what is stored says otherwise; else the command itself is wrong
}

func (e *Refusal) Error() string { return "tail: " + e.Code + ": " + e.Message }

// Refused is the refusal for who cannot import this package.
func (e *Refusal) Refused() (code, message, hint string, conflict bool) {
	return e.Code, e.Message, e.Hint, e.Conflict
}

// refuse builds a Refusal; it returns the interface so that callers cannot make a typed nil of it.
func refuse(code, hint, format string, args ...any) error {
	return &Refusal{Code: code, Message: fmt.Sprintf(format, args...), Hint: hint}
}

func conflict(code, hint, format string, args ...any) error {
	return &Refusal{Code: code, Message: fmt.Sprintf(format, args...), Hint: hint, Conflict: true}
}

// Encode is the body of version CommandVersion.
func (c *Command) Encode() ([]byte, error) {
	body, err := json.Marshal(c)
	if err != nil {
		return nil, refuse("bad_command", "send valid UTF-8", "the command cannot be written: %v", err)
	}
	return body, nil
}

// parseCommand reads a body strictly.
func parseCommand(kind uint16, body []byte) (c Command, at frame.Position, err error) {
	if len(body) > maxCommandBytes {
		return c, at, refuse("bad_command", "use shorter names", "the command has %d bytes, the limit is %d", len(body), maxCommandBytes)
	}
	if err := json.Unmarshal(body, &c, json.RejectUnknownMembers(true)); err != nil {
		return c, at, refuse("bad_command", "send what docs/http-api.md says", "the command is not what it should be: %v", err)
	}
	if len(c.By) > maxByBytes {
		return c, at, refuse("bad_command", "use a shorter id", "by has %d bytes, the limit is %d", len(c.By), maxByBytes)
	}
	if err := errors.Join(frame.ValidateName("tenant", c.Tenant), frame.ValidateName("consumer", c.Name)); err != nil {
		return c, at, refuse("bad_name", "use 1 to 256 bytes of UTF-8 without control characters", "%v", err)
	}
	if kind == KindDelete && c.Position == "" {
		return c, at, nil
	}
	if at, err = frame.ParsePosition(c.Position); err != nil || kind == KindDelete || at.History == 0 {
		return c, at, refuse("bad_position", "pass a position exactly as an answer gave it", "%.40q is not a position to commit", c.Position)
	}
	return c, at, nil
}

// Name implements the state machine's section, as do the methods below.
func (c *Consumers) Name() string { return SectionName }

// Commands is the range of command kinds, both included; those without a meaning yet are not supported.
func (c *Consumers) Commands() (first, last uint16) { return firstKind, lastKind }

// Supports reports whether Apply knows a command.
func (c *Consumers) Supports(kind uint16, version uint8) bool {
	return kind >= KindCommit && kind <= KindDelete && version == CommandVersion
}

// Since is the cluster version from which the section exists.
func (c *Consumers) Since() int { return 2 }

// LimitBytes is the limit of a checkpoint's size: MaxAll consumers of the longest names, escaped.
func (c *Consumers) LimitBytes() int64 { return 256 << 20 }

// Audit describes a command that moved a consumer otherwise than forward, or deleted it: who did. Commits come as often as readers like, and each
// is what the consumer itself said.
func (c *Consumers) Audit(kind uint16, body []byte) (tenant, action, subject, by string, detail []byte, ok bool) {
	cmd, _, err := parseCommand(kind, body)
	if err != nil || kind == KindCommit {
		return "", "", "", "", nil, false
	}
	action = map[uint16]string{KindReset: "consumer_reset", KindDelete: "consumer_delete"}[kind]
	return cmd.Tenant, action, cmd.Name, cmd.By, body, true
}

// Apply runs one replicated command at a Raft index and returns its Result as JSON. A *Refusal is an answer that is equal on all nodes; an error
// that is ledger.ErrVersion means that this program is too old for the log.
func (c *Consumers) Apply(index, _ uint64, commitMS int64, kind uint16, version uint8, body []byte) ([]byte, error) {
	if !c.Supports(kind, version) {
		return nil, fmt.Errorf("tail: command kind %d version %d: %w", kind, version, ledger.ErrVersion)
	}
	cmd, at, err := parseCommand(kind, body)
	if err != nil {
		return nil, err
	}
	res, err := c.run(kind, &cmd, at, index, commitMS)
	if err != nil {
		return nil, err
	}
	out, err := json.Marshal(res)
	if err != nil {
		return nil, fmt.Errorf("tail: result of command %d at index %d: %w", kind, index, err)
	}
	return out, nil
}

func (c *Consumers) run(kind uint16, cmd *Command, at frame.Position, index uint64, commitMS int64) (*Result, error) {
	old, known := c.Get(cmd.Tenant, cmd.Name)
	if kind == KindDelete {
		if !known {
			return nil, unknownConsumer(cmd.Name)
		}
		c.remove(cmd.Tenant, cmd.Name)
		return &Result{cmd.Name, old.Position.String(), true}, nil
	}
	if at.Index > index {
		return nil, refuse("position_ahead", "commit a position that an answer gave", "position %s is beyond the newest entry, %d", at, index)
	}
	if known && kind == KindCommit {
		if err := forward(&old, at); err != nil {
			return nil, err
		}
		if at == old.Position {
			return &Result{cmd.Name, cmd.Position, false}, nil
		}
	}
	if !known {
		if err := c.room(cmd.Tenant); err != nil {
			return nil, err
		}
	}
	c.put(cmd.Tenant, &Consumer{Name: cmd.Name, Position: at, CommittedMS: commitMS})
	return &Result{cmd.Name, cmd.Position, true}, nil
}

// forward refuses a commit that would take a consumer back.
func forward(old *Consumer, at frame.Position) error {
	const hint = "to go back on purpose: POST /v1/consumers/{name}/reset"
	switch {
	case at.History != old.Position.History:
		return conflict("other_history", hint, "consumer %q is at a position of history %d, not %d", old.Name, old.Position.History, at.History)
	case at.Compare(old.Position) < 0:
		return conflict("position_back", hint, "consumer %q is at %s already, which is behind %s", old.Name, old.Position, at)
	}
	return nil
}

func unknownConsumer(name string) error {
	return refuse("unknown_consumer", "GET /v1/consumers lists those of this tenant; the first commit makes one", "there is no consumer %.256q", name)
}

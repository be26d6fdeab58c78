package port

import (
	"errors"
	"fmt"
)

// ErrStranger says that a connection was refused, by either side. The *RefusedError in the chain says why.
var ErrStranger = errors.New("port: stranger")

// Refusal is the reason of a refused connection. It is an error, so that errors.Is(err, OtherTarget) asks for one. Values up to 127
// travel in answers; a released value keeps its meaning.
type Refusal byte

const (
	welcome Refusal = iota

	OtherVersion   // the other side speaks another version of the hello
	OtherCluster   // the other side belongs to a cluster of another name
	UnknownPurpose // the listener is not open to this purpose
	OtherClusterID // same name, and yet another cluster
	OtherTarget    // the listener is another server than the one that was asked for
	NoTarget       // only a status may be asked of whoever listens
	OtherName      // the certificate belongs to another node than the one claimed or asked for
	WantsTLS       // the dialer spoke plaintext to a TLS port
	WantsPlaintext // the dialer spoke TLS to a plaintext port
)

// Refusals that no answer carries: what they are about ends the connection before there could be one.
const (
	BadCertificate Refusal = 128 + iota // one side presents none, or one that the other's CA did not sign or that is out of date
	OtherProtocol                       // the dialer did not send a hello of ours
)

// refusals gives each its label in metrics, its wording, and what to do.
var refusals = map[Refusal]struct{ label, text, hint string }{
	OtherVersion:   {"version", "other version of the hello", "run the same release on every node"},
	OtherCluster:   {"cluster", "other cluster", "correct `cluster` or the address in `peers`"},
	UnknownPurpose: {"purpose", "not open to this purpose", "run the same release on every node"},
	OtherClusterID: {"cluster_id", "other cluster of the same name", "the address in `peers` leads to another cluster, or this node's data directory came from one"},
	OtherTarget:    {"target", "other server", "the node there was replaced, or the address is another node's"},
	NoTarget:       {"no_target", "no server id", "dial \"serverID@host:port\": without one only a status may be asked"},
	OtherName:      {"name", "certificate of another node", "`gapless cert node NAME` makes one with the node's name among its DNS names"},
	WantsTLS:       {"plaintext", "the port is encrypted and the dialer is not", "give the dialing node cluster_cert, cluster_key and cluster_ca"},
	WantsPlaintext: {"tls", "the port is not encrypted and the dialer is", "give the listening node cluster_cert, cluster_key and cluster_ca"},
	BadCertificate: {"certificate", "no TLS 1.3 with a certificate that is valid here", "both nodes need one that their cluster_ca signed, for client and server use, in date"},
	OtherProtocol:  {"protocol", "not our protocol", "only nodes of the cluster belong on this port"},
}

func (r Refusal) Error() string {
	if known, ok := refusals[r]; ok {
		return known.text
	}
	return fmt.Sprintf("refusal %d", byte(r))
}

// Hint says what an operator does about it.
func (r Refusal) Hint() string {
	if known, ok := refusals[r]; ok {
		return known.hint
	}
	return "the other node is of a newer release"
}

func (r Refusal) label() string {
	if known, ok := refusals[r]; ok {
		return known.label
	}
	return "unknown"
}

// RefusedError says which side refused a connection, and what disagrees.
type RefusedError struct {
	Reason Refusal
	Remote string // address of the other node
	ByUs   bool   // else by the other node
	Here   string // what the refusing side has: a version, name or id; "" where it did not say
	Asked  string // what the dialing side sent instead
	Err    error  // beneath it, where there is one
}

func (e *RefusedError) Error() string {
	s := fmt.Sprintf("port: %s refused us", e.Remote)
	if e.ByUs {
		s = fmt.Sprintf("port: %s is refused", e.Remote)
	}
	s += ": " + e.Reason.Error()
	switch {
	case e.Asked != "":
		s += fmt.Sprintf(" (there is %q, asked for %q)", e.Here, e.Asked)
	case e.Here != "":
		s += fmt.Sprintf(" (there is %q)", e.Here)
	}
	if e.Err != nil {
		s += fmt.Sprintf(" (%v)", e.Err)
	}
	return s + ": " + e.Reason.Hint()
}

// Is makes the reason and ErrStranger findable.
func (e *RefusedError) Is(target error) bool {
	return target == ErrStranger || target == error(e.Reason)
}

func (e *RefusedError) Unwrap() error { return e.Err }

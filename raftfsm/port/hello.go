package port

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"time"
)

const (
	magic        = "GPRT"
	version      = 1
	helloTimeout = 5 * time.Second
	maxCluster   = 256

	purposeRaft = 1
	purposeCall = 2

	welcome        = 0
	otherVersion   = 1
	otherCluster   = 2
	unknownPurpose = 3
)

// ErrStranger says that the other side speaks another protocol or belongs to another cluster.
var ErrStranger = errors.New("port: stranger")

// greet sends our hello and waits for the answer.
func greet(conn net.Conn, cluster string, purpose byte, deadline time.Time) error {
	if err := conn.SetDeadline(deadline); err != nil {
		return fmt.Errorf("port: %s: %w", conn.RemoteAddr(), err)
	}
	hello := append([]byte(magic), version, purpose)
	hello = binary.BigEndian.AppendUint16(hello, uint16(len(cluster)))
	if _, err := conn.Write(append(hello, cluster...)); err != nil {
		return fmt.Errorf("port: hello to %s: %w", conn.RemoteAddr(), err)
	}
	var answer [1]byte
	if _, err := io.ReadFull(conn, answer[:]); err != nil {
		return fmt.Errorf("port: answer of %s: %w", conn.RemoteAddr(), err)
	}
	if answer[0] != welcome {
		return fmt.Errorf("%w: %s refused our hello with %d (1 other version, 2 other cluster than %q)", ErrStranger, conn.RemoteAddr(), answer[0], cluster)
	}
	return conn.SetDeadline(time.Time{})
}

// meet reads a hello and answers it.
func meet(conn net.Conn, cluster string) (purpose byte, err error) {
	if err := conn.SetDeadline(time.Now().Add(helloTimeout)); err != nil {
		return 0, err
	}
	var fixed [8]byte
	if _, err := io.ReadFull(conn, fixed[:]); err != nil {
		return 0, fmt.Errorf("%w: %s sent no hello: %w", ErrStranger, conn.RemoteAddr(), err)
	}
	n := int(binary.BigEndian.Uint16(fixed[6:]))
	if string(fixed[:4]) != magic || n > maxCluster {
		return 0, fmt.Errorf("%w: %s does not speak our protocol (%q)", ErrStranger, conn.RemoteAddr(), fixed[:4])
	}
	name := make([]byte, n)
	if _, err := io.ReadFull(conn, name); err != nil {
		return 0, fmt.Errorf("%w: %s: hello cut short: %w", ErrStranger, conn.RemoteAddr(), err)
	}
	purpose = fixed[5]
	answer := byte(welcome)
	switch {
	case fixed[4] != version:
		answer = otherVersion
	case string(name) != cluster:
		answer = otherCluster
	case purpose != purposeRaft && purpose != purposeCall:
		answer = unknownPurpose
	}
	if _, err := conn.Write([]byte{answer}); err != nil {
		return 0, fmt.Errorf("port: answer to %s: %w", conn.RemoteAddr(), err)
	}
	if answer != welcome {
		return 0, fmt.Errorf("%w: %s: version %d, cluster %q, purpose %d; ours are version %d, cluster %q", ErrStranger, conn.RemoteAddr(), fixed[4], name, purpose, version, cluster)
	}
	return purpose, conn.SetDeadline(time.Time{})
}

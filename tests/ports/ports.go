// Package ports finds addresses on loopback for tests whose nodes listen on them later, and again after each restart. They lie below the ports that
// systems give to outgoing connections: another test's client cannot take one meanwhile, as it can one that was given for port 0.
package ports

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
)

const (
	lowest  = 12000
	highest = 31999
	tries   = 1000
)

// Free returns n different addresses, "127.0.0.1:port", that nobody listens on.
func Free(n int) ([]string, error) {
	var addrs []string
	for range tries {
		if len(addrs) == n {
			return addrs, nil
		}
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", lowest+rand.IntN(highest-lowest+1)))
		if err != nil {
			continue // taken
		}
		defer l.Close() // all are held until the last is found
		addrs = append(addrs, l.Addr().String())
	}
	return nil, errors.New("ports: no free port on loopback")
}

package port

import (
	"fmt"
	"strings"

	"github.com/hashicorp/raft"
)

// JoinAddress makes the address under which one server is dialed: "serverID@host:port". With server "" it is the bare host:port, which
// reaches whoever listens there and may only be asked for its status. A server that addr names already is replaced.
func JoinAddress(server, addr string) string {
	_, addr = SplitAddress(addr)
	if server == "" {
		return addr
	}
	return server + "@" + addr
}

// SplitAddress takes an address of JoinAddress apart; server is "" when it names none.
func SplitAddress(joined string) (server, addr string) {
	if server, addr, ok := strings.Cut(joined, "@"); ok {
		return server, addr
	}
	return "", joined
}

// nodeOf is the name of the node whose incarnation a server id names: what stands before its last dot.
func nodeOf(server string) string {
	if dot := strings.LastIndexByte(server, '.'); dot >= 0 {
		return server[:dot]
	}
	return server
}

// Targets tells where a server listens, as host:port or joined. It is the raft.ServerAddressProvider that gives Raft addresses with a
// target; it must know this node too, whose address Raft sends along. Raft calls it from several goroutines.
type Targets func(server string) (addr string, ok bool)

// ServerAddr implements raft.ServerAddressProvider.
func (t Targets) ServerAddr(id raft.ServerID) (raft.ServerAddress, error) {
	addr, ok := t(string(id))
	if !ok {
		return "", fmt.Errorf("port: no address known of server %s", id)
	}
	return raft.ServerAddress(JoinAddress(string(id), addr)), nil
}

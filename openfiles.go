package gapless

import "fmt"

// What a process needs descriptors for besides clients, segments and calls between nodes. These are bounds, measured with room to spare.
const (
	filesOfProcess  = 32                               // standard streams, pollers, ports, vote store; the files of a flush, of a floor, of four pulls
	filesOfProof    = 14 + tracesAtOnce + leavesAtOnce // the strips that one pass counts, others that are compared, a census, the log's hashes; what two certificates read; directories
	filesPerPeer    = 16                               // Raft's connections and questions for the status, in both directions
	filesPerWitness = 2                                // the connection to it, and the one that takes its place
	filesOfHeads    = 16                               // of the log, for what is in no floor yet
	fewestClients   = 16                               // with less room than for these, a node does not start
	mostClients     = 16384
	otherNodes      = 2   // at least: a cluster of one may grow
	mostCalls       = 400 // to other nodes at once
	mostIncoming    = 1024
	clientsPart     = 2 // of what is left: a half for clients,
	segmentsPart    = 4 // a quarter for segments, a quarter for calls from and to other nodes
	callsPart       = 4
	incomingPerPeer = filesPerPeer / 2
)

// openFiles says how many descriptors may be used for what is as much as others want: together with the rest they stay below the limit of the
// process, so that the log and Raft always find one.
type openFiles struct {
	limit    uint64 // 0: none is known
	clients  int    // connections of the HTTP API
	segments int    // files; 0: no bound
	calls    int    // connections to other nodes, for calls
	incoming int    // connections of other nodes
}

// shareOpenFiles divides the limit. An error says that it is too low, and what to do.
func (c *Config) shareOpenFiles() (openFiles, error) {
	peers := max(otherNodes, len(c.Peers)-1)
	all := openFiles{limit: c.Machine.OpenFiles, clients: mostClients, calls: mostCalls, incoming: mostIncoming}
	if all.limit == 0 {
		all.limit = limitOfOpenFiles()
	}
	if c.HTTPMaxConns > 0 {
		all.clients = c.HTTPMaxConns
	}
	if all.limit == 0 {
		return all, nil
	}
	reserve := uint64(filesOfProcess + filesOfProof + filesPerPeer*peers + filesPerWitness*len(c.Witnesses) + filesOfHeads + int(c.LogKeepBytes/c.LogFileBytes))
	wanted := max(fewestClients, c.HTTPMaxConns)
	if needed := reserve + clientsPart*uint64(wanted); all.limit < needed {
		return all, fmt.Errorf("the process may open %d files, and this configuration needs %d (%d for the log, Raft and the node itself, %d for %d "+
			"HTTP connections and what they cause): raise the limit with `ulimit -n %d`, or LimitNOFILE=%d in the unit of systemd",
			all.limit, needed, reserve, needed-reserve, wanted, needed, needed)
	}
	rest := int(min(all.limit-reserve, 1<<30))
	if c.HTTPMaxConns == 0 {
		all.clients = min(mostClients, rest/clientsPart)
	}
	all.segments = rest / segmentsPart
	all.calls = min(mostCalls, max(1, rest/callsPart/(peers+1)), max(1, mostIncoming/peers-incomingPerPeer))
	all.incoming = min(mostIncoming, peers*(all.calls+incomingPerPeer))
	return all, nil
}

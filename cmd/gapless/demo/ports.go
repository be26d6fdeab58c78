package demo

import (
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
)

// ports are the nodes' ports on loopback, in the order of nodeNames.
type ports struct {
	HTTP    []int `json:"http"`
	Cluster []int `json:"cluster"`
}

func (p *ports) valid() bool {
	return len(p.HTTP) == len(nodeNames) && len(p.Cluster) == len(nodeNames)
}

// choosePorts takes consecutive ones from the two given, or any others if one of those is in use.
func choosePorts(httpFirst, clusterFirst int) (ports, error) {
	var p ports
	for i := range nodeNames {
		p.HTTP = append(p.HTTP, httpFirst+i)
		p.Cluster = append(p.Cluster, clusterFirst+i)
	}
	if p.taken() == 0 {
		return p, nil
	}
	return otherPorts()
}

// Other ports come from below the range that systems give to outgoing connections: a node that is down for some seconds must find
// its port free when it comes back.
const (
	lowestPort  = 20_000
	highestPort = 32_000
	portTries   = 200
)

func otherPorts() (ports, error) {
	for range portTries {
		first := lowestPort + rand.IntN(highestPort-lowestPort-2*len(nodeNames))
		var p ports
		for i := range nodeNames {
			p.HTTP = append(p.HTTP, first+i)
			p.Cluster = append(p.Cluster, first+len(nodeNames)+i)
		}
		if p.taken() == 0 {
			return p, nil
		}
	}
	return ports{}, fmt.Errorf("demo: no %d free ports between %d and %d", 2*len(nodeNames), lowestPort, highestPort)
}

// taken returns the first port that is in use, 0 when none is.
func (p *ports) taken() int {
	for _, list := range [][]int{p.HTTP, p.Cluster} {
		for _, port := range list {
			l, err := net.Listen("tcp", loopback(port))
			if err != nil {
				return port
			}
			l.Close()
		}
	}
	return 0
}

func loopback(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

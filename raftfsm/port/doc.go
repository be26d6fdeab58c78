// Package port is the cluster port: one TCP listener that Raft and the calls between nodes share. docs/format/port.md draws every byte.
//
// A connection starts with a hello, in which the dialing node says what the connection is for, which cluster it belongs to, who it is and
// whom it wants to reach; the listener answers with welcome, or with the reason why not:
//
//	dialer                                                       listener
//	  | -- (TLS 1.3 handshake, both with certificates) ------------> |
//	  | -- hello: purpose, cluster, cluster id, target, server ----> |
//	  | <------------------ welcome | refusal and what there is ---- |
//	  | == Raft's own stream | calls: request, answer, request ... = |
//
// Invariants:
//
//   - Nothing but a status is asked of a node whose server id the asking node did not name. A server id is node.incarnation, and an
//     incarnation ends with its disk: who speaks to the node that was there before is told that it is gone, and is not believed to
//     have reached it. The target travels in the address, "serverID@host:port" (JoinAddress), because Raft dials by address alone.
//   - A node belongs to one cluster: same name, and the same id as soon as both sides know theirs (SetCluster).
//   - With TLS, a node is who its certificate says: one that chains to the cluster's CA and has the node's name, the server id without its
//     incarnation, among its DNS names. Both sides check the other's, on every connection.
//   - Who is not welcome is told why where it can understand it, counted by reason and logged. That includes a plaintext dialer at a TLS
//     port, a TLS dialer at a plaintext port, and releases with another hello.
//
// A Raft connection then belongs to hashicorp/raft: a plain net.Conn or tls.Conn. Certificates and CA are read again when their files
// change, without a restart; a broken new set leaves the old one in force.
package port

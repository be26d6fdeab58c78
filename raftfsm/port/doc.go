// Package port is the cluster port: one TCP listener that Raft and the calls between nodes share.
//
// A connection starts with a hello that names the protocol, what the connection is for and the cluster:
//
//	0  4  magic "GPRT"
//	4  1  version 1
//	5  1  purpose: 1 Raft, 2 calls
//	6  2  length of the cluster's name, big endian
//	8     name
//
// and the listener answers with one byte: 0 welcome, 1 another version, 2 another cluster, 3 unknown purpose. Whoever is not welcome is
// counted and closed. A Raft connection then belongs to hashicorp/raft. On a connection for calls, requests and answers
// alternate, each one message:
//
//	0  4  length of the payload, big endian, at most MaxMessageBytes
//	4  4  CRC32C of the payload
//	8  1  operation in a request; in an answer 0, or 1 when the payload is an error's text
//	9     payload
//
// The port is plaintext: the node's configuration allows that on loopback, or where its owner said so.
package port

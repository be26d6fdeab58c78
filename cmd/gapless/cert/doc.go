// Package cert makes the certificates of the cluster port: a CA, and for each node a certificate that the CA signed and that has the
// node's name among its DNS names. It is for clusters without a certificate authority of their own; raftfsm/port takes any that fit.
//
//	ca.pem    the CA's certificate: every node has it
//	ca.key    the CA's key, which signs: on no node
//	NAME.pem  the certificate of node NAME
//	NAME.key  its key
//
// Keys are Ed25519, PKCS #8 in PEM, readable by their owner. An existing file is never written over.
package cert

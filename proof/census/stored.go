//go:build !bug_cert_counts_unacked

package census

// stored is what a leaf says of an account that balances: the numbers that are stored are its runs, and no others.
func stored(e Epoch) Epoch { return e }

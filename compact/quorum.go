//go:build !bug_merge_without_quorum

package compact

import "slices"

// agreed refuses a DONE unless a majority of the voters that it names has the result and found it right, as the log shows.
func (p *Plan) agreed(c *doneCommand) error {
	for _, server := range c.Verified {
		if !slices.Contains(c.Voters, server) || !slices.Contains(p.Verified, server) {
			return refuse(CodeMergeNoQuorum, "wait until it has verified", "%s is no voter, or has not verified plan %d", server, p.ID)
		}
	}
	if 2*len(c.Verified) <= len(c.Voters) {
		return refuse(CodeMergeNoQuorum, "wait for a majority", "%d of %d voters verified plan %d", len(c.Verified), len(c.Voters), p.ID)
	}
	return nil
}

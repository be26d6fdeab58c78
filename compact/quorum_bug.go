//go:build bug_merge_without_quorum

package compact

// Breaks: a merge takes effect when a majority of the voters has its result. Here the builder's word is enough.
func (p *Plan) agreed(*doneCommand) error {
	if p.Outputs == nil {
		return refuse(CodeMergeNotBuilt, "wait for the builder", "plan %d is not built yet", p.ID)
	}
	return nil
}

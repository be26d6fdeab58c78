package proof

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/gaplessdb/gapless/proof/record"
	"github.com/gaplessdb/gapless/segment"
)

// What the state machine tells the section besides its own commands, and asks it for (raftfsm's chronicle).

// At says in which history of which cluster, and under which voters (servers, ascending), the next command is applied. Those who signed the newest tree
// may be the majority only since other voters have gone.
func (s *Section) At(history uint64, cluster string, voters []string) {
	s.history, s.cluster, s.voters = history, cluster, voters
	if s.newest.Size != s.current.Size {
		s.publish()
	}
}

// Ordinal is the seal ordinal of the frames that are applied now.
func (s *Section) Ordinal() uint32 { return s.ordinal }

// Cut reports whether the command that was just applied was a cut: a flush point lies right behind it.
func (s *Section) Cut() bool {
	cut := s.cutting
	s.cutting = false
	return cut
}

// TakeRecords hands over the records that the command at hand added, in the order of the log. An error is a fault of this state.
func (s *Section) TakeRecords() ([][]byte, error) {
	fresh, err := s.fresh, s.fault
	s.fresh, s.fault = nil, nil
	return fresh, err
}

// PolicyAction is the action of audits that change the policy: they become POLICY records.
const PolicyAction = "policy_set"

// Audited adds the record of a command that changed replicated settings. detail are its words.
func (s *Section) Audited(index uint64, commitMS int64, tenant, action, subject, by string, detail []byte) {
	if action == PolicyAction {
		s.policyChanged(index, commitMS, by, detail)
		return
	}
	sum, err := record.AuditHash(subject, by, detail)
	if err != nil {
		s.fault = fmt.Errorf("proof: the audit of %s at %d: %w", action, index, err)
		return
	}
	s.append(&record.Audit{Head: record.NewHead(record.TypeAudit, commitMS), Index: index, Tenant: short(tenant), Action: short(action), SHA256: sum})
}

// short is the beginning of a word that is not ours: whatever it is, the record can be encoded, and read again. The frame of the audit has all of it.
func short(text string) string { return strings.ToValidUTF8(text[:min(len(text), maxWord)], "\uFFFD") }

// maxWord is how much of a word a record has: two of them fit, each byte written as six.
const maxWord = 2048

// policyChanged adds a POLICY record. The detail of the audit has the policy as it is in force.
func (s *Section) policyChanged(index uint64, commitMS int64, by string, detail []byte) {
	var d struct {
		Revision uint64          `json:"revision"`
		Policy   json.RawMessage `json:"policy"`
	}
	if err := json.Unmarshal(detail, &d); err != nil {
		s.fault = fmt.Errorf("proof: the audit of policy change %d: %w", index, err)
		return
	}
	s.append(&record.Policy{Head: record.NewHead(record.TypePolicy, commitMS), Index: index, Revision: d.Revision, By: short(by), SHA256: PolicyHash(d.Policy)})
}

// PolicyHash is the SHA-256 of a policy as JSON, hex.
func PolicyHash(policy []byte) string {
	sum := sha256.Sum256(policy)
	return hex.EncodeToString(sum[:])
}

// Merged adds the record of a merge that is done: the next floor has the one set of segments instead of the other.
func (s *Section) Merged(index uint64, commitMS int64, edit segment.Edit) {
	r := &record.Merge{Head: record.NewHead(record.TypeMerge, commitMS), Index: index, Drop: []string{}, Add: []string{}}
	for _, name := range edit.Drop {
		r.Drop = append(r.Drop, name.String())
	}
	for i := range edit.Add {
		r.Add = append(r.Add, edit.Add[i].Name.String())
	}
	s.append(r)
}

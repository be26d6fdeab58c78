//go:build linux

package fault

import (
	"reflect"
	"testing"
	"time"

	"github.com/gaplessdb/gapless/tests/drive"
)

// TestBallot: a vote is told once, when it is whole, whatever is written between its halves.
func TestBallot(t *testing.T) {
	type look struct {
		term uint64
		whom string
		tx   int
		at   time.Duration
	}
	for _, tt := range []struct {
		name  string
		looks []look
		want  []drive.Vote
	}{
		{"another candidate", []look{{2, "a", 3, 0}, {3, "b", 6, 1}}, []drive.Vote{{Term: 2, Candidate: "a"}, {Term: 3, Candidate: "b"}}},
		{"its first half", []look{{2, "a", 3, 0}, {3, "a", 5, 1}, {3, "b", 6, 2}}, []drive.Vote{{Term: 2, Candidate: "a"}, {Term: 3, Candidate: "b"}}},
		{"a heartbeat between its halves", []look{{2, "a", 3, 0}, {3, "a", 5, 1}, {3, "a", 6, 2}, {3, "b", 7, 3}},
			[]drive.Vote{{Term: 2, Candidate: "a"}, {Term: 3, Candidate: "b"}}},
		{"the same candidate again", []look{{2, "a", 3, 0}, {3, "a", 5, 1}, {3, "a", 6, 2}, {3, "a", 6, 2 + halfVote}},
			[]drive.Vote{{Term: 2, Candidate: "a"}, {Term: 3, Candidate: "a"}}},
		{"the same candidate again, and soon the next term", []look{{2, "a", 3, 0}, {3, "a", 5, 1}, {3, "a", 6, 2}, {4, "b", 9, 3}},
			[]drive.Vote{{Term: 2, Candidate: "a"}, {Term: 3, Candidate: "a"}, {Term: 4, Candidate: "b"}}},
		{"half of one, left alone", []look{{2, "a", 3, 0}, {3, "a", 5, 1}, {3, "a", 5, time.Hour}}, []drive.Vote{{Term: 2, Candidate: "a"}}},
		{"two candidates in one term", []look{{2, "a", 3, 0}, {3, "a", 5, 1}, {3, "a", 6, 1 + halfVote}, {3, "b", 7, 2 + halfVote}},
			[]drive.Vote{{Term: 2, Candidate: "a"}, {Term: 3, Candidate: "a"}, {Term: 3, Candidate: "b"}}},
		{"nothing new", []look{{2, "a", 3, 0}, {2, "a", 4, time.Hour}}, []drive.Vote{{Term: 2, Candidate: "a"}}},
	} {
		var b ballot
		var got []drive.Vote
		for _, l := range tt.looks {
			got = append(got, b.look(drive.Vote{Term: l.term, Candidate: l.whom}, l.tx, l.at)...)
		}
		if !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}

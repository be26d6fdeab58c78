package verify

import (
	"strings"
	"testing"

	"github.com/gaplessdb/gapless/proof/certificate"
	"github.com/gaplessdb/gapless/proof/record"
	"github.com/gaplessdb/gapless/proof/sign"
)

// TestOrdinals holds SEALs that a lying quorum put into the log against each other and against the CENSUS. None of the lies is about content.
func TestOrdinals(t *testing.T) {
	type at struct {
		index int64
		says  uint32 // the ordinal that the certificate says
		seal  record.Seal
	}
	seal := func(ordinal uint32, history, first, last uint64) record.Seal {
		return record.Seal{Ordinal: ordinal, History: history, First: first, Last: last}
	}
	census := &record.Census{History: 2, Index: 90, Seal: 7}
	for what, tt := range map[string]struct {
		shown []at
		fault string
	}{
		"none":                              {nil, ""},
		"the last one":                      {[]at{{5, 7, seal(7, 2, 81, 90)}}, ""},
		"some, of two histories":            {[]at{{1, 2, seal(2, 1, 11, 20)}, {3, 5, seal(5, 1, 61, 70)}, {5, 7, seal(7, 2, 65, 90)}}, ""},
		"an earlier one alone":              {[]at{{1, 2, seal(2, 2, 11, 20)}}, ""},
		"ordinal 0":                         {[]at{{1, 0, seal(0, 1, 1, 10)}}, "is the SEAL of ordinal 0"},
		"another ordinal than said":         {[]at{{1, 3, seal(2, 1, 11, 20)}}, "the certificate says 3"},
		"an ordinal behind the census":      {[]at{{1, 8, seal(8, 2, 81, 89)}}, "the CENSUS counts up to 7"},
		"ordinals that fall":                {[]at{{1, 5, seal(5, 1, 11, 20)}, {3, 2, seal(2, 1, 61, 70)}}, "not in order"},
		"an ordinal twice":                  {[]at{{1, 5, seal(5, 1, 11, 20)}, {3, 5, seal(5, 1, 61, 70)}}, "not in order"},
		"records that fall":                 {[]at{{3, 2, seal(2, 1, 11, 20)}, {1, 5, seal(5, 1, 61, 70)}}, "not in order"},
		"a SEAL behind the CENSUS":          {[]at{{8, 2, seal(2, 1, 11, 20)}}, "behind the CENSUS"},
		"an end before the beginning":       {[]at{{1, 2, seal(2, 1, 21, 20)}}, "has the indexes 21 to 20"},
		"a history that falls":              {[]at{{1, 2, seal(2, 2, 11, 20)}, {3, 5, seal(5, 1, 61, 70)}}, "ends at 20 of 2"},
		"indexes that touch":                {[]at{{1, 2, seal(2, 1, 11, 20)}, {3, 5, seal(5, 1, 20, 70)}}, "ends at 20 of 1"},
		"the last one ends elsewhere":       {[]at{{5, 7, seal(7, 2, 81, 89)}}, "the CENSUS of ordinal 7 is at 90 of 2"},
		"the last one in another history":   {[]at{{5, 7, seal(7, 1, 81, 90)}}, "the CENSUS of ordinal 7 is at 90 of 2"},
		"an earlier one ends at the census": {[]at{{1, 2, seal(2, 2, 11, 90)}}, "the CENSUS of ordinal 7 is at 90 of 2"},
		"an earlier one in a later history": {[]at{{1, 2, seal(2, 3, 11, 20)}}, "the CENSUS of ordinal 7 is at 90 of 2"},
	} {
		r := &run{c: &certificate.Certificate{}, census: census, records: map[int64]record.Record{7: census}, signed: sign.Signed{}}
		r.signed.Size, r.c.Proof.Census.LogIndex = 8, 7
		for _, s := range tt.shown {
			r.records[s.index] = &s.seal
			r.c.Proof.Seals = append(r.c.Proof.Seals, certificate.SealTree{LogIndex: s.index, Ordinal: s.says})
		}
		err := r.ordinals()
		if (err != nil) != (tt.fault != "") || err != nil && (codeOf(err) != CodeTampered || !strings.Contains(err.Error(), tt.fault)) {
			t.Errorf("%s: %v, want %q", what, err, tt.fault)
		}
	}
}

package certificate

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"slices"
	"strings"
	"unicode"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/ledger"
)

// What a page lists at most. The certificate has everything.
const (
	pageEpochs   = 400
	pageGaps     = 1000
	pageDevices  = 40
	pageSegments = 100
)

//go:embed page.html
var pageHTML string

var pageTemplate = template.Must(template.New("page").Parse(pageHTML))

// Page writes a certificate as one HTML file that a person can read and print. It shows what the certificate says; nothing in it was checked.
func (c *Certificate) Page(w io.Writer) error {
	p := page{Certificate: c, Class: strings.ToLower(c.Verdict), Grade: strings.ReplaceAll(c.Verdict, "_", " "), Plain: plain(c), About: about(&c.Scope)}
	p.rows()
	p.Causes = causes(&c.Statement)
	if len(c.Segments) > pageSegments {
		p.Files, p.MoreFiles = c.Segments[:pageSegments], len(c.Segments)-pageSegments
	} else {
		p.Files = c.Segments
	}
	return pageTemplate.Execute(w, &p)
}

// page is what the template shows.
type page struct {
	*Certificate
	Class, Grade, Plain string
	About               []fact
	Causes              []fact
	Epochs              []epochRow
	MoreEpochs          int
	Gaps                []gapRow
	MoreGaps            int
	Files               []Segment
	MoreFiles           int
}

// fact is a name and what there is to say.
type fact struct{ Name, Text string }

type epochRow struct {
	Stream
	Epoch
	Class, Grade, Why string
}

type gapRow struct {
	Device, Stream string
	Epoch          uint32
	Gap
}

// Number is a count as people read it.
func (page) Number(n any) string {
	s := fmt.Sprint(n)
	for at := len(s) - 3; at > 0; at -= 3 {
		s = s[:at] + "\u202f" + s[at:]
	}
	return s
}

// Words is a name of the API as people read it.
func (page) Words(s string) string { return inWords(s) }

func inWords(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '_' {
			return ' '
		}
		return unicode.ToLower(r)
	}, s)
}

var gradeOrder = map[string]ledger.Grade{
	ledger.Indeterminate.String(): ledger.Indeterminate, ledger.Incomplete.String(): ledger.Incomplete, ledger.Explained.String(): ledger.Explained,
	ledger.CompleteBetweenSeen.String(): ledger.CompleteBetweenSeen, ledger.Complete.String(): ledger.Complete,
}

// rows lists epochs, the worst first, and gaps in the order of the certificate.
func (p *page) rows() {
	for _, s := range p.Streams {
		for _, e := range s.Epochs {
			p.Epochs = append(p.Epochs, epochRow{s, e, strings.ToLower(e.Verdict), strings.ReplaceAll(e.Verdict, "_", " "), inWords(strings.Join(e.Reasons, ", "))})
			for _, g := range e.Gaps {
				if len(p.Gaps) == pageGaps {
					p.MoreGaps++
					continue
				}
				p.Gaps = append(p.Gaps, gapRow{s.Device, s.Stream, e.Epoch, g})
			}
		}
	}
	slices.SortStableFunc(p.Epochs, func(a, b epochRow) int { return int(gradeOrder[a.Verdict]) - int(gradeOrder[b.Verdict]) })
	if len(p.Epochs) > pageEpochs {
		p.Epochs, p.MoreEpochs = p.Epochs[:pageEpochs], len(p.Epochs)-pageEpochs
	}
}

// about is the scope in words.
func about(s *Scope) []fact {
	facts := []fact{{"Tenant", s.Tenant}}
	switch {
	case s.Prefix != nil && *s.Prefix == "":
		facts = append(facts, fact{"Devices", "all of the tenant"})
	case s.Prefix != nil:
		facts = append(facts, fact{"Devices", "all whose name begins with " + *s.Prefix})
	case len(s.Devices) > pageDevices:
		facts = append(facts, fact{"Devices", strings.Join(s.Devices[:pageDevices], ", ") + fmt.Sprintf(" and %d more", len(s.Devices)-pageDevices)})
	default:
		facts = append(facts, fact{"Devices", strings.Join(s.Devices, ", ")})
	}
	if len(s.Match) > 0 {
		facts = append(facts, fact{"Chosen by", strings.Join(s.Match, ", ")})
	}
	if s.Stream != nil {
		facts = append(facts, fact{"Stream", *s.Stream})
	}
	if len(s.Epochs) > 0 {
		facts = append(facts, fact{"Epochs", strings.Trim(fmt.Sprint(s.Epochs), "[]")})
	}
	if len(s.Seq) == 2 {
		facts = append(facts, fact{"Numbers", fmt.Sprintf("%d to %d", s.Seq[0], s.Seq[1])})
	}
	if len(s.Time) == 2 {
		facts = append(facts, fact{"Device time", s.Time[0] + " up to " + s.Time[1]})
	}
	if s.CountsOnly {
		facts = append(facts, fact{"Frames", "counts only, nothing of their bytes"})
	}
	return facts
}

func causes(s *Statement) []fact {
	var list []fact
	for cause, n := range s.Causes {
		list = append(list, fact{inWords(cause), page{}.Number(n)})
	}
	slices.SortFunc(list, func(a, b fact) int { return strings.Compare(a.Name, b.Name) })
	if s.Open > 0 {
		list = append(list, fact{"may still come", page{}.Number(s.Open)})
	}
	return list
}

// whole reports whether all numbers of the devices are in scope.
func (s *Scope) whole() bool {
	return s.Stream == nil && len(s.Epochs) == 0 && len(s.Seq) == 0 && len(s.Time) == 0
}

// plain is the verdict in one or two sentences.
func plain(c *Certificate) string {
	s, whole := &c.Statement, c.Scope.whole()
	stored, of := "Every number asked for that is known to exist is stored", " asked for that are known to exist"
	if whole {
		of = ""
	} else if s.Expected == 0 {
		stored = "None of the numbers asked for is known to exist"
	}
	missing := fmt.Sprintf("%s of %s numbers%s are missing", page{}.Number(s.Missing), page{}.Number(s.Expected), of)
	switch c.Verdict {
	case ledger.Complete.String():
		if whole {
			return "Every frame that was numbered is stored: nothing is missing between the first and the last number, and the devices declared both."
		}
		return stored + ". Where they reach the beginning or the end of a counter, the device declared it."
	case ledger.CompleteBetweenSeen.String():
		if whole {
			return "Nothing is missing between the first and the last number that is known. That these are the ends was not declared everywhere, or what was sent and declared is not known to agree."
		}
		return stored + ". That there were no others was not declared everywhere, or what was sent and declared is not known to agree."
	case ledger.Explained.String():
		return missing + ", and for each of them a stated cause is on record." + damaged(s)
	case ledger.Incomplete.String():
		return missing + ", and for some of them nobody stated a cause, or they may still come. The certificate lists each." + damaged(s)
	}
	return unknown(s, whole)
}

// damaged tells of the stated cause that is not sure.
func damaged(s *Statement) string {
	n := s.Causes[frame.CauseRejectedCRC.String()]
	if n == 0 {
		return ""
	}
	return fmt.Sprintf(" For %s of them the cause is damaged frames that were refused: the numbers were read from those, and may be damaged, too.", page{}.Number(n))
}

// unknown is why nothing can be said for sure.
func unknown(s *Statement, whole bool) string {
	if n := len(s.Absent); n > 0 {
		return fmt.Sprintf("Of %d of the devices nothing that was asked for is known, the first is %s.", n, s.Absent[0])
	}
	if whole {
		return "What is missing cannot be told: a counter is ambiguous or rests on one frame, or there are no numbers. What is known is listed below."
	}
	return "What is missing cannot be told: a counter is ambiguous or rests on one frame, or has no numbers, or none that is known in what was asked for. What is known is listed below."
}

package query

import (
	"math"

	"github.com/gaplessdb/gapless/segment"
)

// seriesParts is what segments have of the epochs that are asked for. A segment never changes, so of a later state only new ones are asked.
type seriesParts struct {
	known  map[segment.Name]bool
	epochs map[epochID][]*seriesPart
	count  int
}

// seriesPart is an epoch in a segment, and what it says of the ends of the range.
type seriesPart struct {
	reader    *segment.Reader
	name      segment.Name
	lastIndex uint64 // of all rows of the segment
	epoch     segment.Epoch

	edge // of the range
}

// know reports whether all segments of a manifest were asked.
func (p *seriesParts) know(m *segment.Manifest) bool {
	for _, i := range m.Segments() {
		if !p.known[i.Name] {
			return false
		}
	}
	return true
}

// ask asks the segments of a state that were not asked yet about all epochs.
func (s *seriesRun) ask(l *layers) error {
	var fresh []*seriesPart // one for each segment, with its reader
	for _, i := range l.manifest.Segments() {
		if s.parts.known[i.Name] {
			continue
		}
		if err := s.r.expired(); err != nil {
			return err
		}
		reader, err := l.g.segment(i.Name)
		if err != nil {
			return err
		}
		fresh = append(fresh, &seriesPart{reader: reader, name: i.Name, lastIndex: i.LastIndex})
	}
	found := make([][]*seriesPart, len(s.epochs))
	err := s.each(len(s.epochs), func(_ *seriesReader, i int) (err error) {
		found[i], err = s.askAll(fresh, &s.epochs[i].target)
		return err
	})
	if err != nil {
		return err
	}
	return s.parts.add(s, fresh, found)
}

// askAll asks segments about one epoch.
func (s *seriesRun) askAll(segments []*seriesPart, t *target) (list []*seriesPart, err error) {
	for _, in := range segments {
		if err := s.r.expired(); err != nil {
			return nil, err
		}
		epoch, ok, err := in.reader.Epoch(t.stream(), t.key.ordinal)
		if err == nil && ok {
			part := *in
			part.epoch, part.neighbours = epoch, runList(epoch.Coverage())
			err = part.look(s.span.FirstNS, s.span.LastNS)
			list = append(list, &part)
		}
		if err != nil {
			return nil, damagedSegment(in.name, err)
		}
	}
	return list, nil
}

// look finds the ends of the range. Blocks that lie on one side of an end are not read for it.
func (p *seriesPart) look(firstNS, lastNS int64) (err error) {
	if firstNS != math.MinInt64 {
		if p.from.at, p.from.beside, p.from.hasAt, p.from.hasBeside, err = p.reader.FirstSince(&p.epoch, firstNS); err != nil {
			return err
		}
	}
	if lastNS != math.MaxInt64 {
		p.to.at, p.to.beside, p.to.hasAt, p.to.hasBeside, err = p.reader.LastUntil(&p.epoch, lastNS)
	}
	return err
}

func (p *seriesParts) add(s *seriesRun, asked []*seriesPart, found [][]*seriesPart) error {
	if p.known == nil {
		p.known, p.epochs = map[segment.Name]bool{}, map[epochID][]*seriesPart{}
	}
	for i, list := range found {
		id := s.epochs[i].id()
		p.epochs[id] = append(p.epochs[id], list...)
		p.count += len(list)
	}
	for _, in := range asked {
		p.known[in.name] = true
	}
	if limit := s.api.opt.MaxRanges; p.count > limit {
		return limitError("query.max_ranges", limit, "so many streams in so many segments are not read at once: select fewer devices")
	}
	return nil
}

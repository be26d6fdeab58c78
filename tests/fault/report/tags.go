package report

import (
	"cmp"
	"slices"
	"unicode/utf8"
)

// tag is a stretch of the time axis with words in it or beside it.
type tag struct {
	From, To px
	Text     string
	Class    string
	Title    string // what a pointer that rests on it reads
	Lane     int
	X        px     // of the words
	Anchor   string // start, middle or end
	Inside   bool
}

// Wide is how long the bar is.
func (t tag) Wide() px { return t.To - t.From }

// wordWidth is room enough for a text of the small size in any font that browsers take for system-ui.
func wordWidth(text string) px { return px(utf8.RuneCountInString(text)) * 65 }

// least is the shortest bar that can be seen.
const least px = 30

// place finds room for the words: in the bar, behind it, or before it where the picture ends. It returns what bar and words take together.
func (t *tag) place() (from, to px) {
	t.To = min(max(t.To, t.From+least), right)
	t.From = min(t.From, t.To-least)
	w := wordWidth(t.Text)
	switch {
	case w == 0:
		t.X, t.Anchor = t.From, "start"
		return t.From, t.To
	case w+80 <= t.Wide():
		t.X, t.Anchor, t.Inside = (t.From+t.To)/2, "middle", true
		return t.From, t.To
	case t.To+40+w <= right:
		t.X, t.Anchor, t.Inside = t.To+40, "start", false
		return t.From, t.X + w
	}
	t.X, t.Anchor, t.Inside = t.From-40, "end", false
	return t.X - w, t.To
}

// pack puts tags into lanes so that none meets another, and returns how many lanes that takes. Those that find no room in most lanes share one more,
// without words.
func pack(tags []tag, most int) int {
	slices.SortStableFunc(tags, func(a, b tag) int { return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To)) })
	var ends []px
	lanes := 0
	for i := range tags {
		t := &tags[i]
		from, to := t.place()
		t.Lane = slices.IndexFunc(ends, func(end px) bool { return end+60 <= from })
		switch {
		case t.Lane >= 0:
			ends[t.Lane] = to
		case len(ends) < most:
			t.Lane = len(ends)
			ends = append(ends, to)
		default:
			t.Text, t.Lane = "", most
		}
		lanes = max(lanes, t.Lane+1)
	}
	return lanes
}

// packShorter tries one way of saying it after the other until few lanes suffice; the last one stays, whatever it takes.
func packShorter(few, most int, ways ...func() []tag) (tags []tag, lanes int) {
	for _, way := range ways {
		tags = way()
		if lanes = pack(tags, most); lanes <= few {
			break
		}
	}
	return tags, lanes
}

package report

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// number writes thousands apart: 1,234,567.
func number(n uint64) string {
	s := strconv.FormatUint(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// counted is a number with its noun: "1 node", "3 nodes".
func counted[N int | uint64](n N, noun string) string {
	switch {
	case n == 1:
		return "1 " + noun
	case strings.HasSuffix(noun, "ch"):
		noun += "e"
	}
	return number(uint64(n)) + " " + noun + "s"
}

// clock writes a time of the run: 12.3 s, and 1:02:03 where that says nothing to a reader.
func clock(d time.Duration) string {
	if d < 0 {
		return "-" + clock(-d)
	}
	if d < 10*time.Minute {
		return fmt.Sprintf("%.1f s", d.Round(100*time.Millisecond).Seconds())
	}
	s := int64(d.Round(time.Second) / time.Second)
	return fmt.Sprintf("%d:%02d:%02d", s/3600, s/60%60, s%60)
}

// lasted writes how long something took, with as many digits as matter.
func lasted(d time.Duration) string {
	switch {
	case d >= 10*time.Second:
		return clock(d)
	case d >= time.Second:
		return fmt.Sprintf("%.2f s", d.Seconds())
	case d >= 10*time.Millisecond:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	}
	return fmt.Sprintf("%.1f ms", float64(d.Microseconds())/1000)
}

// listed joins the first few of a list and says how many more there are.
func listed(list []string, few int) string {
	if len(list) <= few {
		return strings.Join(list, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(list[:few], ", "), len(list)-few)
}

// spoken is a name of code in words: power_all is power all.
func spoken(name string) string { return strings.ReplaceAll(name, "_", " ") }

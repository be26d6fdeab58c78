package replay

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// signatures are files that are taken for recordings and are no text in UTF-8, with what makes some of them.
var signatures = []struct {
	at          int
	magic, what string
	hint        string
}{
	{0, "\xFF\xFE", "is UTF-16", utf16Hint("UTF-16")},
	{0, "\xFE\xFF", "is UTF-16", utf16Hint("UTF-16")},
	{0, "PK\x03\x04", "is a zip archive, as .xlsx is", "unpack it, or save the sheet as CSV in UTF-8"},
	{4, "1AY&SY", "is packed with bzip2", "bzip2 -dc FILE | gapless replay -"},
	{0, "\xFD7zXZ\x00", "is packed with xz", "xz -dc FILE | gapless replay -"},
	{0, "PAR1\x15", "is Parquet", "write it as CSV or NDJSON"},
}

func utf16Hint(name string) string { return "iconv -f " + name + " -t UTF-8 FILE > NEWFILE" }

// unreadable says what a file is whose first bytes are not those of text in UTF-8.
func unreadable(begin []byte) error {
	for _, s := range signatures {
		if len(begin) > s.at && bytes.HasPrefix(begin[s.at:], []byte(s.magic)) {
			return fmt.Errorf("the file %s, and only UTF-8 is read\nhint: %s", s.what, s.hint)
		}
	}
	if len(begin) < 4 {
		return nil
	}
	for order, zero := range map[string]int{"LE": 1, "BE": 0} { // every other byte of Latin letters is 0
		if begin[zero] == 0 && begin[zero+2] == 0 && begin[1-zero] != 0 && begin[3-zero] != 0 {
			return fmt.Errorf("the file is UTF-16 without a mark, and only UTF-8 is read\nhint: %s", utf16Hint("UTF-16"+order))
		}
	}
	return nil
}

const latinHint = "iconv -f WINDOWS-1252 -t UTF-8 FILE > NEWFILE, if it is Latin text"

// checkHeader refuses a header line that was read as what it is not. given says that somebody named the delimiter.
func checkHeader(names []string, given bool) error {
	for _, name := range names {
		switch {
		case !utf8.ValidString(name):
			return fmt.Errorf("%.40q is not valid UTF-8\nhint: %s", name, latinHint)
		case strings.Contains(name, "\r"):
			return errors.New("its lines end with a carriage return alone\nhint: tr '\\r' '\\n' < FILE > NEWFILE")
		}
	}
	if len(names) != 1 || given {
		return nil
	}
	if i := strings.IndexAny(names[0], ";\t|"); i >= 0 {
		word := string(names[0][i])
		if word == "\t" {
			word = "tab"
		}
		return fmt.Errorf("%.80q is one column when parted by commas\nhint: --delimiter '%s' (or --delimiter , if it is one)", names[0], word)
	}
	return nil
}

// columnHint guesses why a file does not have a column that a setting of the mapping names.
func columnHint(setting, name string, names []string) string {
	plain := func(s string) string { return strings.ToLower(strings.TrimSpace(s)) }
	if i := slices.IndexFunc(names, func(s string) bool { return plain(s) == plain(name) }); i >= 0 {
		return fmt.Sprintf("\nhint: it has %q: a column is named exactly as in the header line", names[i])
	}
	const headless = "; where the file has no header line, --columns names them"
	if setting == "device" {
		return "\nhint: --device '{COLUMN}' says which column names the device, --device NAME is one device" + headless
	}
	return "\nhint: give one of these" + headless
}

// timeHint names a time_format that takes a text, "" for none.
func timeHint(s string) string {
	for _, f := range []struct{ name, layout string }{
		{"rfc3339", time.RFC3339}, {"datetime", time.DateTime}, {"2006-01-02T15:04:05", "2006-01-02T15:04:05"}, {"2006-01-02 15:04:05Z07:00", "2006-01-02 15:04:05Z07:00"},
		{"2006-01-02 15:04", "2006-01-02 15:04"}, {"02.01.2006 15:04:05", "02.01.2006 15:04:05"}, {"02.01.2006 15:04", "02.01.2006 15:04"},
	} {
		if _, err := time.Parse(f.layout, s); err == nil {
			return fmt.Sprintf("; --time-format '%s' reads it", f.name)
		}
	}
	whole, _, _ := strings.Cut(s, ".")
	if unit := map[int]string{10: "s", 13: "ms", 16: "us", 19: "ns"}[len(whole)]; unit != "" && digits(whole) == len(whole) {
		return "; --time-format " + unit + " reads it"
	}
	return ""
}

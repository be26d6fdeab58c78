package certificate

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// What About names at most of a list. The certificate has all of it.
const (
	aboutNames  = 3
	aboutEpochs = 8
)

// About is the scope in one line, of a few thousand bytes at most: of a long list it names the first, and counts the rest. A name that could be taken
// for something else is quoted.
func (s *Scope) About() string {
	short := *s
	short.Tenant, short.Devices, short.Match = quoted(s.Tenant), few(s.Devices), few(s.Match)
	short.Epochs = s.Epochs[:min(len(s.Epochs), aboutEpochs)]
	for _, name := range []**string{&short.Prefix, &short.Stream} {
		if *name != nil && **name != "" {
			text := quoted(**name)
			*name = &text
		}
	}
	var parts []string
	for _, f := range about(&short) {
		part := strings.ToLower(f.Name) + " " + f.Text
		if more := len(s.Epochs) - aboutEpochs; f.Name == "Epochs" && more > 0 {
			part += fmt.Sprintf(" and %d more", more)
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, "; ")
}

// few is the first of some names, quoted, and how many more there are.
func few(names []string) (list []string) {
	for _, name := range names[:min(len(names), aboutNames)] {
		list = append(list, quoted(name))
	}
	if more := len(names) - aboutNames; more > 0 {
		list = append(list, fmt.Sprintf("and %d more", more))
	}
	return list
}

// quoted is a name as it is, or in quotes if it has more than letters, digits and the marks that are usual in one.
func quoted(name string) string {
	usual := func(r rune) bool {
		return unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("-_./:@=#+", r)
	}
	if slices.ContainsFunc([]rune(name), func(r rune) bool { return !usual(r) }) {
		return strconv.Quote(name)
	}
	return name
}

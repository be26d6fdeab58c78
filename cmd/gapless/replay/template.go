package replay

import (
	"fmt"
	"strings"
)

// template is text with columns in it.
type template []templatePart

// templatePart is a literal text, or the value of a column.
type templatePart struct {
	text   string // the literal, or the column's name
	column bool
	at     int // the column's place in the rows at hand, -1 where they do not have it
}

// parseTemplate reads "hall/{device}"; "{{" and "}}" are braces.
func parseTemplate(s string) (template, error) {
	var t template
	var literal strings.Builder
	for rest := s; rest != ""; {
		i := strings.IndexAny(rest, "{}")
		if i < 0 {
			literal.WriteString(rest)
			break
		}
		literal.WriteString(rest[:i])
		if double := rest[i : i+1]; strings.HasPrefix(rest[i+1:], double) {
			literal.WriteString(double)
			rest = rest[i+2:]
			continue
		}
		name, after, closed := strings.Cut(rest[i+1:], "}")
		if rest[i] == '}' || !closed || name == "" || strings.Contains(name, "{") {
			return nil, fmt.Errorf("template %q: write {COLUMN} for the value of a column, {{ and }} for braces", s)
		}
		if literal.Len() > 0 {
			t = append(t, templatePart{text: literal.String()})
			literal.Reset()
		}
		t = append(t, templatePart{text: name, column: true})
		rest = after
	}
	if literal.Len() > 0 {
		t = append(t, templatePart{text: literal.String()})
	}
	return t, nil
}

// columns are the names of the columns in the template.
func (t template) columns() []string {
	var names []string
	for _, p := range t {
		if p.column {
			names = append(names, p.text)
		}
	}
	return names
}

// bind looks its columns up in rows of a shape.
func (t template) bind(s *shape) {
	for i := range t {
		if t[i].column {
			t[i].at = s.at(t[i].text)
		}
	}
}

// fill puts a row's values in. Empty names the first column without a value, "" when all have one.
func (t template) fill(r *row) (text, empty string) {
	if len(t) == 1 && !t[0].column {
		return t[0].text, ""
	}
	var b strings.Builder
	for i := range t {
		p := &t[i]
		value := p.text
		if p.column {
			if value = r.cell(p.at).text; value == "" {
				return "", p.text
			}
			if len(t) == 1 {
				return value, ""
			}
		}
		b.WriteString(value)
	}
	return b.String(), ""
}

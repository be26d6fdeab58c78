package main

import (
	"fmt"
	"io"
	"reflect"
	"time"

	"go.yaml.in/yaml/v3"
)

// print writes the configuration as a file that would give it again, with the source of each value behind it.
func (l *loaded) print(w io.Writer) error {
	doc := &yaml.Node{Kind: yaml.MappingNode}
	for _, s := range settings() {
		v := reflect.ValueOf(l.Config).FieldByIndex(s.field).Interface()
		source := l.sources[s.name]
		switch {
		case source != "":
		case reflect.DeepEqual(v, s.value.Interface()):
			source = "default"
		default:
			source = "derived from other settings"
		}
		if d, ok := v.(time.Duration); ok {
			v = d.String()
		}
		var value yaml.Node
		if err := value.Encode(v); err != nil {
			return fmt.Errorf("print-config: %s: %w", s.name, err)
		}
		if value.Kind == yaml.MappingNode || value.Kind == yaml.SequenceNode {
			value.Style = yaml.FlowStyle
		}
		value.LineComment = source
		doc.Content = append(doc.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: s.name}, &value)
	}
	enc := yaml.NewEncoder(w)
	if err := enc.Encode(doc); err != nil {
		return fmt.Errorf("print-config: %w", err)
	}
	return enc.Close()
}

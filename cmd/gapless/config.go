package main

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/go-viper/mapstructure/v2"
	"github.com/knadh/koanf/parsers/yaml"
	"github.com/knadh/koanf/providers/env/v2"
	"github.com/knadh/koanf/providers/file"
	"github.com/knadh/koanf/providers/posflag"
	"github.com/knadh/koanf/v2"
	"github.com/spf13/pflag"

	"github.com/gaplessdb/gapless"
)

// delim separates levels of koanf's keys. No setting and no node name contains it.
const delim = "/"

// loaded is a configuration and where each of its values came from.
type loaded struct {
	gapless.Config
	sources map[string]string // setting -> "file n1.yaml", "GAPLESS_NODE", "--node"; absent: default
}

// loadConfig reads the file (when path is not ""), then the environment, then the flags that were given: later ones win, value by
// value. environ is as os.Environ gives it. The result is not validated.
func loadConfig(path string, environ []string, flags *pflag.FlagSet) (*loaded, error) {
	l := &loaded{Config: gapless.Defaults(), sources: map[string]string{}}
	all := koanf.New(delim)
	if path != "" {
		layer := koanf.New(delim)
		if err := layer.Load(file.Provider(path), yaml.Parser()); err != nil {
			return nil, fmt.Errorf("config %s: %w", path, err)
		}
		if err := refuseUnknown(path, layer.Raw()); err != nil {
			return nil, err
		}
		if err := l.merge(all, layer, func(string) string { return "file " + path }); err != nil {
			return nil, err
		}
	}
	layer := koanf.New(delim)
	if err := layer.Load(environment(environ), nil); err != nil {
		return nil, fmt.Errorf("environment: %w", err)
	}
	if err := l.merge(all, layer, func(name string) string { return setting{name: name}.env() }); err != nil {
		return nil, err
	}
	layer = koanf.New(delim)
	if err := layer.Load(given(flags), nil); err != nil {
		return nil, fmt.Errorf("flags: %w", err)
	}
	if err := l.merge(all, layer, func(name string) string { return "--" + setting{name: name}.flag() }); err != nil {
		return nil, err
	}
	return l, decode(all, &l.Config)
}

// merge lays one layer over the others: a value replaces the one below it whole, a map as well.
func (l *loaded) merge(all, layer *koanf.Koanf, source func(name string) string) error {
	for name := range layer.Raw() {
		l.sources[name] = source(name)
		all.Delete(name)
	}
	return all.Merge(layer)
}

func refuseUnknown(path string, raw map[string]any) error {
	for _, name := range slices.Sorted(maps.Keys(raw)) {
		if !known(name) {
			var names []string
			for _, s := range settings() {
				names = append(names, s.name)
			}
			return fmt.Errorf("config %s: unknown key %q; known keys are %s", path, name, strings.Join(names, ", "))
		}
	}
	return nil
}

// environment provides GAPLESS_* variables that name a setting. Others are left alone: a container platform may put some there.
func environment(environ []string) koanf.Provider {
	return env.Provider(delim, env.Opt{
		Prefix:      envPrefix,
		EnvironFunc: func() []string { return environ },
		TransformFunc: func(key, value string) (string, any) {
			name := strings.ToLower(strings.TrimPrefix(key, envPrefix))
			if !known(name) || value == "" {
				return "", nil
			}
			switch name {
			case "peers":
				return name, pairs(value)
			case "witnesses":
				return name, items(value)
			}
			return name, value
		},
	})
}

// given provides the flags that were set on the command line.
func given(flags *pflag.FlagSet) koanf.Provider {
	return posflag.ProviderWithFlag(flags, delim, nil, func(f *pflag.Flag) (string, any) {
		name := strings.ReplaceAll(f.Name, "-", "_")
		if !f.Changed || !known(name) {
			return "", nil
		}
		return name, posflag.FlagVal(flags, f)
	})
}

// pairs splits n1=host:1,n2=host:2. A part without '=' becomes a name without address, which validation refuses by name.
func pairs(s string) map[string]any {
	m := map[string]any{}
	for part := range strings.SplitSeq(s, ",") {
		name, addr, _ := strings.Cut(strings.TrimSpace(part), "=")
		m[name] = addr
	}
	return m
}

// items splits a list at its commas.
func items(s string) []string {
	list := strings.Split(s, ",")
	for i := range list {
		list[i] = strings.TrimSpace(list[i])
	}
	return list
}

func decode(all *koanf.Koanf, into *gapless.Config) error {
	err := all.UnmarshalWithConf("", into, koanf.UnmarshalConf{DecoderConfig: &mapstructure.DecoderConfig{
		TagName:          "yaml",
		Result:           into,
		WeaklyTypedInput: true, // the environment has only strings
		DecodeHook:       mapstructure.ComposeDecodeHookFunc(refuseBareDuration, mapstructure.StringToTimeDurationHookFunc()),
	}})
	if err != nil {
		_, each, _ := strings.Cut(err.Error(), ":\n\n") // mapstructure's preamble, a blank line, and a line for each setting
		return fmt.Errorf("config: %s", each)
	}
	return nil
}

// refuseBareDuration refuses 5 where 5s or 5ms could be meant.
func refuseBareDuration(from, to reflect.Type, value any) (any, error) {
	if to == reflect.TypeFor[time.Duration]() && from != to && from.Kind() != reflect.String {
		return nil, fmt.Errorf("%v is not a duration: give it a unit, such as 250ms or 2s", value)
	}
	return value, nil
}

package main

import (
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/gaplessdb/gapless"
)

// setting is one field of gapless.Config that a person may set: the same name in the file, as GAPLESS_NAME in the environment, and
// as --name, with '-' for '_', on the command line.
type setting struct {
	name  string // as in the file
	help  string
	value reflect.Value // its default
	field []int         // in gapless.Config
}

func (s setting) env() string  { return envPrefix + strings.ToUpper(s.name) }
func (s setting) flag() string { return strings.ReplaceAll(s.name, "_", "-") }

const envPrefix = "GAPLESS_"

// settings lists them in the order of the struct.
func settings() []setting {
	defaults := reflect.ValueOf(gapless.Defaults())
	var list []setting
	for i := range defaults.NumField() {
		tag := defaults.Type().Field(i).Tag
		if name := tag.Get("yaml"); name != "" && name != "-" {
			list = append(list, setting{name, tag.Get("help"), defaults.Field(i), []int{i}})
		}
	}
	return list
}

// known reports whether a name is a setting.
func known(name string) bool {
	for _, s := range settings() {
		if s.name == name {
			return true
		}
	}
	return false
}

// addFlags defines a flag for each setting.
func addFlags(flags *pflag.FlagSet) {
	for _, s := range settings() {
		switch v := s.value.Interface().(type) {
		case string:
			flags.String(s.flag(), v, s.help)
		case bool:
			flags.Bool(s.flag(), v, s.help)
		case int:
			flags.Int(s.flag(), v, s.help)
		case int64:
			flags.Int64(s.flag(), v, s.help)
		case time.Duration:
			flags.Duration(s.flag(), v, s.help)
		case map[string]string:
			flags.StringToString(s.flag(), v, s.help+" (repeat it, or separate with commas; --peer is the same)")
			flags.Lookup(s.flag()).DefValue = "" // help would show []
		case []string:
			flags.StringArray(s.flag(), v, s.help+" (repeat it; --witness is the same)")
		default:
			panic(fmt.Sprintf("gapless: setting %s has type %T, which addFlags does not know", s.name, v))
		}
	}
	flags.SetNormalizeFunc(func(_ *pflag.FlagSet, name string) pflag.NormalizedName {
		switch name {
		case "peer":
			name = "peers"
		case "witness":
			name = "witnesses"
		}
		return pflag.NormalizedName(strings.ReplaceAll(name, "_", "-"))
	})
}

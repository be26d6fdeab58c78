package verify

import (
	"fmt"
	"reflect"
	"strings"
)

// differs compares two values of one type and finds the first place in which they differ, as a path of JSON members, with what is there.
func differs(got, want any) (where, gotText, wantText string, found bool) {
	return differing("", reflect.ValueOf(got), reflect.ValueOf(want))
}

func differing(path string, got, want reflect.Value) (where, gotText, wantText string, found bool) {
	differ := func() (string, string, string, bool) { return path, show(got), show(want), true }
	switch got.Kind() {
	case reflect.Struct:
		for i := range got.NumField() {
			name, _, _ := strings.Cut(got.Type().Field(i).Tag.Get("json"), ",")
			if where, g, w, found := differing(path+"."+name, got.Field(i), want.Field(i)); found {
				return where, g, w, true
			}
		}
	case reflect.Slice:
		if got.IsNil() != want.IsNil() {
			return differ()
		}
		for i := range min(got.Len(), want.Len()) {
			if where, g, w, found := differing(fmt.Sprintf("%s[%d]", path, i), got.Index(i), want.Index(i)); found {
				return where, g, w, true
			}
		}
		if got.Len() != want.Len() {
			return path, fmt.Sprintf("%d entries", got.Len()), fmt.Sprintf("%d", want.Len()), true
		}
	case reflect.Pointer:
		if got.IsNil() || want.IsNil() {
			if got.IsNil() != want.IsNil() {
				return differ()
			}
			return "", "", "", false
		}
		return differing(path, got.Elem(), want.Elem())
	default:
		if !reflect.DeepEqual(got.Interface(), want.Interface()) {
			return differ()
		}
	}
	return "", "", "", false
}

// show is a value as a message has it.
func show(v reflect.Value) string {
	for v.Kind() == reflect.Pointer && !v.IsNil() {
		v = v.Elem()
	}
	switch {
	case (v.Kind() == reflect.Pointer || v.Kind() == reflect.Slice) && v.IsNil():
		return "nothing"
	case v.Kind() == reflect.String:
		return fmt.Sprintf("%.200q", v.String())
	}
	return fmt.Sprintf("%.200s", fmt.Sprint(v.Interface()))
}

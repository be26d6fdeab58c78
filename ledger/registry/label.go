package registry

import (
	"strings"

	"github.com/gaplessdb/gapless/frame"
)

// checkLabel refuses names and values that no label has.
func checkLabel(name, value string) error {
	if err := frame.ValidateName("label", name); err != nil {
		return refuseName(CodeBadLabel, err)
	}
	if strings.Contains(name, "=") {
		return refuse(CodeBadLabel, "a selection is label=value", "label %q has a '='", name)
	}
	if err := frame.ValidateName("label value", value); err != nil {
		return refuseName(CodeBadLabel, err)
	}
	return nil
}

package compat

import (
	"fmt"
	"strings"
)

// Finding is one change that breaks somebody.
type Finding struct {
	Rule     string   // "FIELD_WIRE_COMPATIBLE_TYPE"
	Category Category // Wire if bytes are concerned, WireJSON if only the JSON form is
	Mode     Mode     // who is broken; Full when code of both schemas is
	Against  string   // name of the older version, where several are compared: "version 2"
	Message  string   // full name of the message or enum in the older schema; a file's package for a rule of files
	Field    string   // name of the field or enum value in the older schema, or in the newer where only that has it; empty for a rule of whole messages
	Number   int32    // of the field or enum value
	Old, New string   // what changed, as a schema would have it: "int64", "string"; empty for what is not there
	Why      string   // what goes wrong and what to do, in a sentence without a full stop
}

// String is the finding in one line: where, what became what, why, and the rule.
func (f Finding) String() string {
	var b strings.Builder
	if f.Against != "" {
		fmt.Fprintf(&b, "%s: ", f.Against)
	}
	b.WriteString(f.Message)
	if f.Field != "" {
		fmt.Fprintf(&b, ".%s = %d", f.Field, f.Number)
	}
	fmt.Fprintf(&b, ": %s -> %s: %s [%s, %s]", orNothing(f.Old), orNothing(f.New), f.Why, f.Rule, f.Mode)
	return b.String()
}

func orNothing(s string) string {
	if s == "" {
		return "nothing"
	}
	return s
}

// Lines are findings, one a line.
func Lines(fs []Finding) string {
	lines := make([]string, len(fs))
	for i, f := range fs {
		lines[i] = f.String()
	}
	return strings.Join(lines, "\n")
}

package registry

import (
	"fmt"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// options writes each option as a statement.
func (p *printer) options(o proto.Message) {
	for _, s := range settings(o.ProtoReflect()) {
		p.line("option %s = %s;", s.name("(.", ")"), s.text())
	}
}

// inline is options in brackets, after others.
func (p *printer) inline(o proto.Message, before []string) string {
	all := before
	for _, s := range settings(o.ProtoReflect()) {
		all = append(all, s.name("(.", ")")+" = "+s.text())
	}
	if len(all) == 0 {
		return ""
	}
	return " [" + strings.Join(all, ", ") + "]"
}

// setting is a field of options, or of a message in options, that is set.
type setting struct {
	field protoreflect.FieldDescriptor
	value protoreflect.Value
}

// settings are all that is set, in the order of numbers; an element of a list is one by itself.
func settings(m protoreflect.Message) (all []setting) {
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case f.FullName() == "google.protobuf.MessageOptions.map_entry":
		case f.IsList():
			for i := range v.List().Len() {
				all = append(all, setting{f, v.List().Get(i)})
			}
		default:
			all = append(all, setting{f, v})
		}
		return true
	})
	slices.SortStableFunc(all, func(a, b setting) int { return int(a.field.Number() - b.field.Number()) })
	return all
}

// name is the field's name; an extension's is its full name, in brackets of some kind.
func (s setting) name(open, closing string) string {
	if s.field.IsExtension() {
		return open + string(s.field.FullName()) + closing
	}
	return string(s.field.Name())
}

func (s setting) text() string {
	switch f := s.field; {
	case f.Enum() != nil:
		if e := f.Enum().Values().ByNumber(s.value.Enum()); e != nil {
			return string(e.Name())
		}
		return fmt.Sprint(s.value.Enum())
	case f.Message() != nil:
		var inner []string
		for _, i := range settings(s.value.Message()) {
			inner = append(inner, i.name("[", "]")+": "+i.text())
		}
		return "{ " + strings.Join(inner, ", ") + " }"
	case f.Kind() == protoreflect.StringKind:
		return fmt.Sprintf("%q", s.value.String())
	case f.Kind() == protoreflect.BytesKind:
		return fmt.Sprintf("%q", s.value.Bytes())
	}
	return s.value.String()
}

package registry

import (
	"fmt"
	"slices"
	"strings"

	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
)

// Text is a file as a .proto: what compiles to the same descriptor, but for the order of messages within a message, where groups and map entries may come later.
// Comments are not in it, since what was compiled into Go has none. Files that say the same have the same text.
func Text(f protoreflect.FileDescriptor) string {
	p := printer{file: protodesc.ToFileDescriptorProto(f), nested: map[string]bool{}}
	for _, m := range p.file.GetMessageType() {
		p.remember(m)
	}
	p.printFile()
	return p.text.String()
}

// printer writes one file.
type printer struct {
	file   *descriptorpb.FileDescriptorProto
	nested map[string]bool // names of messages and enums within messages
	text   strings.Builder
	indent int
}

func (p *printer) remember(m *descriptorpb.DescriptorProto) {
	for _, e := range m.GetEnumType() {
		p.nested[e.GetName()] = true
	}
	for _, n := range m.GetNestedType() {
		p.nested[n.GetName()] = true
		p.remember(n)
	}
}

func (p *printer) line(format string, args ...any) {
	p.text.WriteString(strings.Repeat("  ", p.indent))
	fmt.Fprintf(&p.text, format+"\n", args...)
}

// block writes what is within braces.
func (p *printer) block(head string, body func()) {
	p.line("%s {", head)
	p.indent++
	body()
	p.indent--
	p.line("}")
}

func (p *printer) printFile() {
	f := p.file
	switch f.GetSyntax() {
	case "editions":
		p.line("edition = %q;", strings.TrimPrefix(f.GetEdition().String(), "EDITION_"))
	case "":
		p.line(`syntax = "proto2";`)
	default:
		p.line("syntax = %q;", f.GetSyntax())
	}
	if f.GetPackage() != "" {
		p.line("package %s;", f.GetPackage())
	}
	for i, path := range f.GetDependency() {
		kind := ""
		if slices.Contains(f.GetPublicDependency(), int32(i)) {
			kind = "public "
		}
		p.line("import %s%q;", kind, path)
	}
	p.options(f.GetOptions())
	for _, e := range f.GetEnumType() {
		p.enum(e)
	}
	for _, m := range f.GetMessageType() {
		p.message(m)
	}
	p.extensions(f.GetExtension(), nil)
	for _, s := range f.GetService() {
		p.service(s)
	}
}

func (p *printer) message(m *descriptorpb.DescriptorProto) {
	p.block("message "+m.GetName(), func() { p.body(m) })
}

// body is what stands within the braces of a message, or of a group.
func (p *printer) body(m *descriptorpb.DescriptorProto) {
	p.options(m.GetOptions())
	for _, e := range m.GetEnumType() {
		p.enum(e)
	}
	for _, n := range m.GetNestedType() {
		if !n.GetOptions().GetMapEntry() && !isGroup(n, m.GetField()) && !isGroup(n, m.GetExtension()) {
			p.message(n)
		}
	}
	done := map[int32]bool{} // oneofs, which stand where their first field does
	for _, f := range m.GetField() {
		if f.OneofIndex == nil || f.GetProto3Optional() {
			p.field(f, m)
			continue
		}
		i := f.GetOneofIndex()
		if done[i] {
			continue
		}
		done[i] = true
		p.block("oneof "+m.GetOneofDecl()[i].GetName(), func() {
			p.options(m.GetOneofDecl()[i].GetOptions())
			for _, g := range m.GetField() {
				if g.OneofIndex != nil && g.GetOneofIndex() == i {
					p.field(g, m)
				}
			}
		})
	}
	for _, r := range m.GetExtensionRange() {
		p.line("extensions %s%s;", interval(r.GetStart(), r.GetEnd()-1, 1<<29-1), p.inline(r.GetOptions(), nil))
	}
	for _, r := range m.GetReservedRange() {
		p.line("reserved %s;", interval(r.GetStart(), r.GetEnd()-1, 1<<29-1))
	}
	p.reservedNames(m.GetReservedName())
	p.extensions(m.GetExtension(), m)
}

func (p *printer) reservedNames(names []string) {
	for _, name := range names {
		if p.file.GetSyntax() == "editions" {
			p.line("reserved %s;", name)
		} else {
			p.line("reserved %q;", name)
		}
	}
}

func interval(from, to, most int32) string {
	switch {
	case from == to:
		return fmt.Sprint(from)
	case to >= most:
		return fmt.Sprint(from, " to max")
	}
	return fmt.Sprint(from, " to ", to)
}

// isGroup reports whether a nested message is the body of a group among the fields.
func isGroup(n *descriptorpb.DescriptorProto, fields []*descriptorpb.FieldDescriptorProto) bool {
	return slices.ContainsFunc(fields, func(f *descriptorpb.FieldDescriptorProto) bool {
		return f.GetType() == descriptorpb.FieldDescriptorProto_TYPE_GROUP && strings.HasSuffix(f.GetTypeName(), "."+n.GetName()) && strings.EqualFold(f.GetName(), n.GetName())
	})
}

// nestedNamed is the message within m, or in the file, that a type name ends in.
func (p *printer) nestedNamed(m *descriptorpb.DescriptorProto, typeName string) *descriptorpb.DescriptorProto {
	among := p.file.GetMessageType()
	if m != nil {
		among = m.GetNestedType()
	}
	name := typeName[strings.LastIndexByte(typeName, '.')+1:]
	for _, n := range among {
		if n.GetName() == name {
			return n
		}
	}
	return &descriptorpb.DescriptorProto{}
}

func (p *printer) field(f *descriptorpb.FieldDescriptorProto, in *descriptorpb.DescriptorProto) {
	label := ""
	proto2 := p.file.GetSyntax() == "" || p.file.GetSyntax() == "proto2"
	switch {
	case f.GetLabel() == descriptorpb.FieldDescriptorProto_LABEL_REPEATED:
		label = "repeated "
	case f.GetLabel() == descriptorpb.FieldDescriptorProto_LABEL_REQUIRED:
		label = "required "
	case f.GetProto3Optional(), proto2 && f.OneofIndex == nil:
		label = "optional "
	}
	if f.GetType() == descriptorpb.FieldDescriptorProto_TYPE_GROUP && proto2 {
		group := p.nestedNamed(in, f.GetTypeName())
		p.block(fmt.Sprintf("%sgroup %s = %d%s", label, group.GetName(), f.GetNumber(), p.inline(f.GetOptions(), nil)), func() { p.body(group) })
		return
	}
	kind := p.kind(f)
	if f.GetType() == descriptorpb.FieldDescriptorProto_TYPE_MESSAGE && in != nil && strings.HasSuffix(f.GetTypeName(), "."+in.GetName()+"."+entryName(f.GetName())) {
		if e := p.nestedNamed(in, f.GetTypeName()); e.GetOptions().GetMapEntry() {
			label, kind = "", fmt.Sprintf("map<%s, %s>", p.kind(e.GetField()[0]), p.kind(e.GetField()[1]))
		}
	}
	var extra []string
	if f.DefaultValue != nil {
		extra = append(extra, "default = "+defaultText(f))
	}
	if f.JsonName != nil && f.Extendee == nil && f.GetJsonName() != jsonName(f.GetName()) {
		extra = append(extra, fmt.Sprintf("json_name = %q", f.GetJsonName()))
	}
	p.line("%s%s %s = %d%s;", label, kind, f.GetName(), f.GetNumber(), p.inline(f.GetOptions(), extra))
}

func defaultText(f *descriptorpb.FieldDescriptorProto) string {
	switch f.GetType() {
	case descriptorpb.FieldDescriptorProto_TYPE_STRING:
		return fmt.Sprintf("%q", f.GetDefaultValue())
	case descriptorpb.FieldDescriptorProto_TYPE_BYTES:
		return `"` + f.GetDefaultValue() + `"` // escaped already
	}
	return f.GetDefaultValue()
}

// entryName is what protoc calls the entry of a map field: "PropertiesEntry".
func entryName(field string) string {
	var b strings.Builder
	upper := true
	for _, r := range field {
		switch {
		case r == '_':
			upper = true
			continue
		case upper && 'a' <= r && r <= 'z':
			r -= 'a' - 'A'
		}
		upper = false
		b.WriteRune(r)
	}
	return b.String() + "Entry"
}

// jsonName is the name that a field has in JSON unless it says another.
func jsonName(field string) string {
	var b strings.Builder
	upper := false
	for _, r := range field {
		switch {
		case r == '_':
			upper = true
			continue
		case upper && 'a' <= r && r <= 'z':
			r -= 'a' - 'A'
		}
		upper = false
		b.WriteRune(r)
	}
	return b.String()
}

// kind is a field's type as it is written.
func (p *printer) kind(f *descriptorpb.FieldDescriptorProto) string {
	if f.TypeName == nil {
		return strings.ToLower(strings.TrimPrefix(f.GetType().String(), "TYPE_"))
	}
	return p.name(f.GetTypeName())
}

// name is a full name, ".shop.v1.Order", in the shortest form that nothing in this file can hide.
func (p *printer) name(full string) string {
	full = strings.TrimPrefix(full, ".")
	pkg := p.file.GetPackage()
	if pkg != "" {
		if own, ok := strings.CutPrefix(full, pkg+"."); ok {
			if first, _, _ := strings.Cut(own, "."); !p.nested[first] {
				return own
			}
		}
	}
	first, _, _ := strings.Cut(full, ".")
	parts := strings.Split(pkg, ".")
	top := slices.ContainsFunc(p.file.GetMessageType(), func(m *descriptorpb.DescriptorProto) bool { return m.GetName() == first })
	if p.nested[first] || top && pkg != "" || slices.Contains(parts[1:], first) {
		return "." + full
	}
	return full
}

func (p *printer) enum(e *descriptorpb.EnumDescriptorProto) {
	p.block("enum "+e.GetName(), func() {
		p.options(e.GetOptions())
		for _, v := range e.GetValue() {
			p.line("%s = %d%s;", v.GetName(), v.GetNumber(), p.inline(v.GetOptions(), nil))
		}
		for _, r := range e.GetReservedRange() {
			p.line("reserved %s;", interval(r.GetStart(), r.GetEnd(), 1<<31-1))
		}
		p.reservedNames(e.GetReservedName())
	})
}

func (p *printer) extensions(fields []*descriptorpb.FieldDescriptorProto, in *descriptorpb.DescriptorProto) {
	for _, f := range fields {
		p.block("extend "+p.name(f.GetExtendee()), func() { p.field(f, in) })
	}
}

func (p *printer) service(s *descriptorpb.ServiceDescriptorProto) {
	p.block("service "+s.GetName(), func() {
		p.options(s.GetOptions())
		for _, m := range s.GetMethod() {
			stream := map[bool]string{true: "stream "}
			head := fmt.Sprintf("rpc %s(%s%s) returns (%s%s)", m.GetName(), stream[m.GetClientStreaming()], p.name(m.GetInputType()), stream[m.GetServerStreaming()], p.name(m.GetOutputType()))
			if m.Options == nil {
				p.line("%s;", head)
				continue
			}
			p.block(head, func() { p.options(m.GetOptions()) })
		}
	})
}

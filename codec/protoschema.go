package codec

import (
	"fmt"
	"slices"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/millrace/millrace/codec/compat"
	"github.com/millrace/millrace/state"
)

// Schema is the message's descriptor and those of what it refers to, as a FileDescriptorSet of no more than these: numbers, names, kinds and cardinality.
func (c *ProtoCodec[M]) Schema() []byte {
	set, err := proto.MarshalOptions{Deterministic: true}.Marshal(descriptorsOf(c.descriptor()))
	if err != nil {
		panic(err) // descriptors always marshal
	}
	return set
}

// Compare names the fields in which a message that was written under this ID differs from the codec's: added, removed, changed, or misread by the rules of
// codec/compat.
func (c *ProtoCodec[M]) Compare(written []byte) ([]state.FieldChange, error) {
	var set descriptorpb.FileDescriptorSet
	if err := proto.Unmarshal(written, &set); err != nil {
		return nil, fmt.Errorf("codec %s: the description of what was written: %w", c.id, err)
	}
	files, err := protodesc.FileOptions{AllowUnresolvable: true}.NewFiles(&set)
	if err != nil {
		return nil, fmt.Errorf("codec %s: the description of what was written: %w", c.id, err)
	}
	now := c.descriptor()
	found, err := files.FindDescriptorByName(now.FullName())
	if err != nil {
		return nil, fmt.Errorf("codec %s: the description of what was written: %w", c.id, err)
	}
	was, ok := found.(protoreflect.MessageDescriptor)
	if !ok {
		return nil, fmt.Errorf("codec %s: what was written was no message", c.id)
	}
	d := fieldDiff{seen: map[protoreflect.FullName]bool{}, misread: compat.Reads(now, was)}
	d.messages(was, now)
	for _, f := range d.misread { // of enums, of keys and values of maps
		d.changes = append(d.changes, state.FieldChange{Field: placeOf(f.Message, f.Field, f.Number), Fate: state.FieldMisread, Was: f.Old, Is: f.New, Why: f.Why})
	}
	return d.changes, nil
}

func (c *ProtoCodec[M]) descriptor() protoreflect.MessageDescriptor {
	return c.fresh().ProtoReflect().Descriptor()
}

// fieldDiff lists how two messages differ.
type fieldDiff struct {
	seen    map[protoreflect.FullName]bool
	misread []compat.Finding // those that are not among the changes yet
	changes []state.FieldChange
}

func placeOf(message, field string, number int32) string {
	return fmt.Sprintf("%s.%s = %d", message, field, number)
}

func (d *fieldDiff) messages(was, now protoreflect.MessageDescriptor) {
	if d.seen[was.FullName()] {
		return
	}
	d.seen[was.FullName()] = true
	for _, f := range byNumber(was) {
		d.field(f, now.Fields().ByNumber(f.Number()))
	}
	for _, f := range byNumber(now) {
		if was.Fields().ByNumber(f.Number()) == nil {
			d.add(f, was, state.FieldAdded, "", compat.TypeName(f))
		}
	}
}

func (d *fieldDiff) field(was, now protoreflect.FieldDescriptor) {
	if now == nil {
		d.add(was, was.ContainingMessage(), state.FieldRemoved, compat.TypeName(was), "")
		return
	}
	a, b := compat.TypeName(was), compat.TypeName(now)
	if was.Name() != now.Name() {
		a, b = a+" "+string(was.Name()), b+" "+string(now.Name())
	}
	misread := slices.ContainsFunc(d.misread, func(f compat.Finding) bool {
		return f.Message == string(was.ContainingMessage().FullName()) && f.Field == string(was.Name())
	})
	if a != b || misread {
		d.add(was, was.ContainingMessage(), state.FieldChanged, a, b)
	}
	if was.Message() != nil && now.Message() != nil {
		d.messages(was.Message(), now.Message())
	}
}

// add notes a change of a field of a message, by its name where it was written.
func (d *fieldDiff) add(f protoreflect.FieldDescriptor, of protoreflect.MessageDescriptor, fate state.FieldFate, was, is string) {
	c := state.FieldChange{Field: placeOf(string(of.FullName()), string(f.Name()), int32(f.Number())), Fate: fate, Was: was, Is: is}
	d.misread = slices.DeleteFunc(d.misread, func(bad compat.Finding) bool {
		mine := bad.Message == string(of.FullName()) && bad.Field == string(f.Name())
		if mine {
			c.Fate, c.Why = state.FieldMisread, bad.Why
		}
		return mine
	})
	d.changes = append(d.changes, c)
}

func byNumber(m protoreflect.MessageDescriptor) []protoreflect.FieldDescriptor {
	fields := make([]protoreflect.FieldDescriptor, m.Fields().Len())
	for i := range fields {
		fields[i] = m.Fields().Get(i)
	}
	slices.SortFunc(fields, func(a, b protoreflect.FieldDescriptor) int { return int(a.Number() - b.Number()) })
	return fields
}

// descriptorsOf are the files of a message and of all it refers to, cut down to the messages and enums that are reached, files before those that import them.
func descriptorsOf(md protoreflect.MessageDescriptor) *descriptorpb.FileDescriptorSet {
	reached := map[protoreflect.FullName]bool{}
	reach(md, reached)
	set := &descriptorpb.FileDescriptorSet{}
	done := map[string]bool{}
	var add func(f protoreflect.FileDescriptor) (kept bool)
	add = func(f protoreflect.FileDescriptor) bool {
		if kept, ok := done[f.Path()]; ok {
			return kept
		}
		p := protodesc.ToFileDescriptorProto(f)
		var imports []string
		for i := range f.Imports().Len() {
			if add(f.Imports().Get(i).FileDescriptor) {
				imports = append(imports, f.Imports().Get(i).Path())
			}
		}
		prune(p, reached)
		p.Dependency = imports
		kept := len(p.MessageType)+len(p.EnumType)+len(imports) > 0
		if kept {
			set.File = append(set.File, p)
		}
		done[f.Path()] = kept
		return kept
	}
	add(md.ParentFile())
	return set
}

// prune leaves what the schema's bytes depend on: the top-level messages and enums that are reached, and no options but those of the syntax.
func prune(p *descriptorpb.FileDescriptorProto, reached map[protoreflect.FullName]bool) {
	top := func(name string) bool {
		if p.GetPackage() != "" {
			name = p.GetPackage() + "." + name
		}
		return reached[protoreflect.FullName(name)]
	}
	p.MessageType = slices.DeleteFunc(p.MessageType, func(m *descriptorpb.DescriptorProto) bool { return !top(m.GetName()) })
	p.EnumType = slices.DeleteFunc(p.EnumType, func(e *descriptorpb.EnumDescriptorProto) bool { return !top(e.GetName()) })
	features := p.GetOptions().GetFeatures()
	p.Options, p.SourceCodeInfo, p.Service, p.Extension, p.PublicDependency, p.WeakDependency = nil, nil, nil, nil, nil, nil
	if features != nil {
		p.Options = &descriptorpb.FileOptions{Features: features}
	}
}

// reach notes a message, what its fields refer to, and the top-level declarations that these are in.
func reach(md protoreflect.MessageDescriptor, reached map[protoreflect.FullName]bool) {
	if reached[md.FullName()] {
		return
	}
	reached[md.FullName()] = true
	top(md, reached)
	for i := range md.Fields().Len() {
		f := md.Fields().Get(i)
		if f.Message() != nil {
			reach(f.Message(), reached)
		}
		if f.Enum() != nil {
			reached[f.Enum().FullName()] = true
			top(f.Enum(), reached)
		}
	}
}

// top notes the messages that a declaration lies in, and all that lies in these, since they are kept whole.
func top(d protoreflect.Descriptor, reached map[protoreflect.FullName]bool) {
	outer, ok := d.Parent().(protoreflect.MessageDescriptor)
	if !ok {
		if md, isMessage := d.(protoreflect.MessageDescriptor); isMessage {
			for i := range md.Messages().Len() {
				reach(md.Messages().Get(i), reached)
			}
		}
		return
	}
	reach(outer, reached)
}

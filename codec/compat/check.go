package compat

import (
	"slices"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// Check compares schemas. The zero value is the usual one: backward, with the JSON form.
type Check struct {
	Mode  Mode
	Rules Category
}

// Version is a schema with a name for messages: "version 2", a file's path.
type Version struct {
	Name string
	File protoreflect.FileDescriptor
}

// Files compares all messages and enums of two files, and what their fields refer to in other files. Where the package was renamed, which is a finding, the
// messages are still compared by their names within it. Findings are in the order of the older file.
func (c Check) Files(older, newer protoreflect.FileDescriptor) []Finding {
	w := c.walk(true)
	w.files(older, newer)
	return w.found
}

// Messages compares two messages, whatever their names, and what they refer to.
func (c Check) Messages(older, newer protoreflect.MessageDescriptor) []Finding {
	w := c.walk(true)
	w.messages(older, newer)
	return w.found
}

// All compares a file with each of the versions before it: what "transitive" means. Findings say which version they are against.
func (c Check) All(versions []Version, newer protoreflect.FileDescriptor) []Finding {
	var all []Finding
	for _, v := range versions {
		found := c.Files(v.File, newer)
		for i := range found {
			found[i].Against = v.Name
		}
		all = append(all, found...)
	}
	return all
}

// Reads reports what code that has the reader's message would misread in bytes of the writer's. The two may differ in age either way, so this leaves out what
// only a change from older to newer can break: deletions without a reservation, and the JSON form. In the findings Old is the writer's, New the reader's.
func Reads(reader, writer protoreflect.MessageDescriptor) []Finding {
	w := Check{Backward, Wire}.walk(false)
	w.messages(writer, reader)
	return w.found
}

// walk is one comparison.
type walk struct {
	Check
	evolution    bool // older and newer are what they say, so what was deleted or renamed counts
	messagesSeen map[[2]protoreflect.MessageDescriptor]bool
	enumsSeen    map[[2]protoreflect.EnumDescriptor]bool
	found        []Finding
}

func (c Check) walk(evolution bool) *walk {
	return &walk{
		Check: c, evolution: evolution,
		messagesSeen: map[[2]protoreflect.MessageDescriptor]bool{}, enumsSeen: map[[2]protoreflect.EnumDescriptor]bool{},
	}
}

// place is what a finding is about.
type place struct {
	message protoreflect.FullName
	field   string
	number  int32
}

// broken reports what a reader of one direction cannot read; the same finding in both directions becomes one.
func (w *walk) broken(direction Mode, rule string, at place, older, newer, why string) {
	for i := range w.found {
		f := &w.found[i]
		if f.Rule == rule && f.Message == string(at.message) && f.Field == at.field && f.Number == at.number {
			if f.Mode != direction {
				f.Mode = Full
			}
			return
		}
	}
	w.found = append(w.found, Finding{rule, Wire, direction, "", string(at.message), at.field, at.number, older, newer, why})
}

// changed reports what is a finding in every direction.
func (w *walk) changed(c Category, rule string, at place, older, newer, why string) {
	if !w.evolution || c == WireJSON && w.Rules == Wire {
		return
	}
	w.found = append(w.found, Finding{rule, c, w.Mode, "", string(at.message), at.field, at.number, older, newer, why})
}

// directions are those that are asked for.
func (w *walk) directions() []Mode {
	if w.Mode == Full {
		return []Mode{Backward, Forward}
	}
	return []Mode{w.Mode}
}

func (w *walk) files(older, newer protoreflect.FileDescriptor) {
	if older.Package() != newer.Package() {
		w.changed(Wire, "FILE_SAME_PACKAGE", place{message: older.Package()}, "package "+string(older.Package()), "package "+string(newer.Package()),
			"every message has another full name, by which readers and registries know it")
	}
	newMessages, newEnums := declared(newer)
	oldMessages, oldEnums := declared(older)
	for _, m := range oldMessages {
		if n := find(newMessages, m); n != nil {
			w.messages(m, n)
			continue
		}
		at := place{message: m.FullName()}
		if n := renamed(m, oldMessages, newMessages); n != nil {
			w.changed(Wire, "MESSAGE_NO_DELETE", at, "message "+string(m.Name()), "message "+string(n.Name()), "it was renamed, and readers and registries know it by its name")
			w.messages(m, n)
			continue
		}
		w.changed(Wire, "MESSAGE_NO_DELETE", at, "message "+string(m.Name()), "", "data of it is still there, and nothing reads it any more")
	}
	for _, e := range oldEnums {
		if n := find(newEnums, e); n != nil {
			w.enums(e, n)
			continue
		}
		w.changed(Wire, "ENUM_NO_DELETE", place{message: e.FullName()}, "enum "+string(e.Name()), "", "its values have no names any more")
	}
}

// declared are all messages of a file but map entries, and all enums, nested ones after those they are in.
func declared(f protoreflect.FileDescriptor) (messages []protoreflect.MessageDescriptor, enums []protoreflect.EnumDescriptor) {
	var within func(ms protoreflect.MessageDescriptors, es protoreflect.EnumDescriptors)
	within = func(ms protoreflect.MessageDescriptors, es protoreflect.EnumDescriptors) {
		for i := range es.Len() {
			enums = append(enums, es.Get(i))
		}
		for i := range ms.Len() {
			if m := ms.Get(i); !m.IsMapEntry() {
				messages = append(messages, m)
				within(m.Messages(), m.Enums())
			}
		}
	}
	within(f.Messages(), f.Enums())
	return messages, enums
}

// find is what has the same name within its package.
func find[D protoreflect.Descriptor](among []D, like D) (found D) {
	name := local(like)
	for _, d := range among {
		if local(d) == name {
			return d
		}
	}
	return found
}

// local is a descriptor's name within its package: "Order.Item".
func local(d protoreflect.Descriptor) string {
	full, pkg := string(d.FullName()), string(d.ParentFile().Package())
	if pkg == "" {
		return full
	}
	return full[len(pkg)+1:]
}

// renamed is the new message, not there before, that has the fields of an old one: the numbers and types of at least two.
func renamed(m protoreflect.MessageDescriptor, before, after []protoreflect.MessageDescriptor) protoreflect.MessageDescriptor {
	if m.Fields().Len() < 2 {
		return nil
	}
	i := slices.IndexFunc(after, func(n protoreflect.MessageDescriptor) bool {
		return find(before, n) == nil && n.Parent().FullName().Name() == m.Parent().FullName().Name() && sameFields(m, n)
	})
	if i < 0 {
		return nil
	}
	return after[i]
}

func sameFields(m, n protoreflect.MessageDescriptor) bool {
	for i := range m.Fields().Len() {
		f := m.Fields().Get(i)
		if g := n.Fields().ByNumber(f.Number()); g == nil || TypeName(f) != TypeName(g) || f.Name() != g.Name() {
			return false
		}
	}
	return true
}

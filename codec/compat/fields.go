package compat

import (
	"fmt"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// messages compares two messages; each pair once, since messages may refer to themselves.
func (w *walk) messages(older, newer protoreflect.MessageDescriptor) {
	pair := [2]protoreflect.MessageDescriptor{older, newer}
	if w.messagesSeen[pair] {
		return
	}
	w.messagesSeen[pair] = true
	for i := range older.Fields().Len() {
		f := older.Fields().Get(i)
		if g := newer.Fields().ByNumber(f.Number()); g != nil {
			w.fields(older, f, g)
		} else {
			w.removed(older, newer, f)
		}
	}
	for i := range newer.Fields().Len() {
		if g := newer.Fields().Get(i); older.Fields().ByNumber(g.Number()) == nil && g.Cardinality() == protoreflect.Required && w.Mode.includes(Backward) {
			w.broken(Backward, "MESSAGE_SAME_REQUIRED_FIELDS", placeOf(older, g), "", TypeName(g), "data of the older schema lacks the field, and a reader that requires it refuses that")
		}
	}
	for _, d := range w.directions() {
		if d == Backward {
			w.oneofs(d, newer, older, older)
		} else {
			w.oneofs(d, older, newer, older)
		}
	}
	w.reservations(older, newer)
}

func placeOf(m protoreflect.MessageDescriptor, f protoreflect.FieldDescriptor) place {
	return place{m.FullName(), string(f.Name()), int32(f.Number())}
}

// fields compares two fields of the same number.
func (w *walk) fields(in protoreflect.MessageDescriptor, older, newer protoreflect.FieldDescriptor) {
	at := placeOf(in, older)
	same := w.types(at, older, newer)
	for _, d := range w.directions() {
		reader, writer := newer, older
		if d == Forward {
			reader, writer = older, newer
		}
		if reader.Cardinality() == protoreflect.Required && writer.Cardinality() != protoreflect.Required {
			w.broken(d, "MESSAGE_SAME_REQUIRED_FIELDS", at, TypeName(older), TypeName(newer), "a reader that requires the field refuses data in which it is left out")
		}
		if same && defaultOf(older) != defaultOf(newer) {
			w.broken(d, "FIELD_SAME_DEFAULT", at, "default "+defaultOf(older), "default "+defaultOf(newer), "a value that was left out is read as another")
		}
	}
	if older.Name() != newer.Name() {
		why := "JSON has the field under its name; if this is another field, the number of a deleted one is used again: take a new number"
		if !same {
			why = "the number of one field is used again for another: take a new number, and reserve this one"
		}
		w.changed(WireJSON, "FIELD_SAME_NAME", at, string(older.Name()), string(newer.Name()), why)
	}
	if older.JSONName() != newer.JSONName() {
		w.changed(WireJSON, "FIELD_SAME_JSON_NAME", at, fmt.Sprintf("%q", older.JSONName()), fmt.Sprintf("%q", newer.JSONName()), "JSON of one schema has a field that the other does not know")
	}
}

// types compares how many values and of which type two fields have, and what those types are made of. It reports whether they are the same.
func (w *walk) types(at place, older, newer protoreflect.FieldDescriptor) (same bool) {
	so, sn := shapeOf(older), shapeOf(newer)
	if so == mapping && sn == mapping {
		key, value := at, at
		key.field, value.field = at.field+"[key]", at.field+"[value]"
		sameKey := w.types(key, older.MapKey(), newer.MapKey())
		return w.types(value, older.MapValue(), newer.MapValue()) && sameKey
	}
	n := len(w.found)
	for _, d := range w.directions() {
		reader, writer := newer, older
		if d == Forward {
			reader, writer = older, newer
		}
		if why := lostElements(reader, writer); why != "" {
			w.broken(d, "FIELD_WIRE_COMPATIBLE_CARDINALITY", at, TypeName(older), TypeName(newer), why)
		}
		if why := unreadable(reader.Kind(), writer.Kind()); why != "" {
			if older.Name() != newer.Name() {
				why = "the number is used again for another field: take a new number, and reserve this one"
			}
			w.broken(d, "FIELD_WIRE_COMPATIBLE_TYPE", at, TypeName(older), TypeName(newer), why)
		}
	}
	readable := len(w.found) == n
	if readable && so != sn {
		w.changed(WireJSON, "FIELD_WIRE_JSON_COMPATIBLE_CARDINALITY", at, TypeName(older), TypeName(newer), "JSON has a value where it had a list or an object, or the reverse")
	}
	if a, b := jsonForm(older.Kind()), jsonForm(newer.Kind()); readable && a != b {
		w.changed(WireJSON, "FIELD_WIRE_JSON_COMPATIBLE_TYPE", at, TypeName(older), TypeName(newer), "JSON has "+b+" where it had "+a+", and a value that does not fit is cut")
	}
	if older.Enum() != nil && newer.Enum() != nil {
		w.enums(older.Enum(), newer.Enum())
	}
	if older.Message() != nil && newer.Message() != nil {
		w.messages(older.Message(), newer.Message())
	}
	return readable && so == sn && older.Kind() == newer.Kind()
}

// lostElements says why a reader that expects one value cannot read many.
func lostElements(reader, writer protoreflect.FieldDescriptor) string {
	if shapeOf(reader) != single || shapeOf(writer) == single {
		return ""
	}
	if writer.IsPacked() {
		return "numbers packed together are not read where one is expected"
	}
	return "where one value is expected, only the last of several is read, or messages are merged"
}

// defaultOf is a proto2 default, as text; what has none is its type's zero value.
func defaultOf(f protoreflect.FieldDescriptor) string {
	if f.IsList() || f.IsMap() || f.Message() != nil {
		return ""
	}
	if f.Enum() != nil {
		return fmt.Sprint(int32(f.Default().Enum()))
	}
	if f.Kind() == protoreflect.BytesKind {
		return fmt.Sprintf("%q", f.Default().Bytes())
	}
	return fmt.Sprintf("%#v", f.Default().Interface())
}

// oneofs finds fields that share a oneof of the reader and did not share it where they were written: of several that are set, only the last is read.
func (w *walk) oneofs(d Mode, reader, writer, older protoreflect.MessageDescriptor) {
	for i := range reader.Oneofs().Len() {
		o := reader.Oneofs().Get(i)
		if o.IsSynthetic() {
			continue
		}
		var first protoreflect.FieldDescriptor // of those that the writer has
		for j := range o.Fields().Len() {
			f := writer.Fields().ByNumber(o.Fields().Get(j).Number())
			switch {
			case f == nil:
			case first == nil:
				first = f
			case oneofName(f) == "" || oneofName(f) != oneofName(first):
				of := older.Fields().ByNumber(f.Number())
				was, is := oneofName(f), string(o.Name())
				if d == Forward {
					was, is = is, was
				}
				w.broken(d, "FIELD_SAME_ONEOF", placeOf(older, of), outside(was), outside(is),
					fmt.Sprintf("data may have both this and %s, of which only the last is read", first.Name()))
			}
		}
	}
}

func oneofName(f protoreflect.FieldDescriptor) string {
	if o := f.ContainingOneof(); o != nil && !o.IsSynthetic() {
		return string(o.Name())
	}
	return ""
}

func outside(oneof string) string {
	if oneof == "" {
		return "no oneof"
	}
	return "oneof " + oneof
}

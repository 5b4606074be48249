package compat

import (
	"google.golang.org/protobuf/reflect/protoreflect"
)

// encoding are the kinds whose bytes are read as each other: the doc comment of the package says where that is written.
type encoding uint8

const (
	alone  encoding = iota // a kind that is only read as itself
	varint                 // int32, uint32, int64, uint64, bool
	zigzag                 // sint32, sint64
	four                   // fixed32, sfixed32
	eight                  // fixed64, sfixed64
)

func encodingOf(k protoreflect.Kind) encoding {
	switch k {
	case protoreflect.Int32Kind, protoreflect.Uint32Kind, protoreflect.Int64Kind, protoreflect.Uint64Kind, protoreflect.BoolKind:
		return varint
	case protoreflect.Sint32Kind, protoreflect.Sint64Kind:
		return zigzag
	case protoreflect.Fixed32Kind, protoreflect.Sfixed32Kind:
		return four
	case protoreflect.Fixed64Kind, protoreflect.Sfixed64Kind:
		return eight
	}
	return alone
}

// unreadable says why a reader that expects one kind cannot read another, and is empty where it can.
func unreadable(reader, writer protoreflect.Kind) string {
	r, w := encodingOf(reader), encodingOf(writer)
	switch {
	case reader == writer, r == w && r != alone,
		reader == protoreflect.EnumKind && w == varint && writer != protoreflect.BoolKind,
		writer == protoreflect.EnumKind && r == varint && reader != protoreflect.BoolKind,
		reader == protoreflect.BytesKind && (writer == protoreflect.StringKind || writer == protoreflect.MessageKind):
		return ""
	case reader == protoreflect.StringKind && writer == protoreflect.BytesKind:
		return "bytes need not be valid UTF-8, as a string must be"
	case reader == protoreflect.MessageKind && writer == protoreflect.BytesKind:
		return "bytes need not be such a message"
	}
	return "the bytes of one are not read as the other: they are dropped, refused, or taken for something else"
}

// jsonForm groups kinds by what they are in JSON; kinds of different groups look different there, or hold other values.
func jsonForm(k protoreflect.Kind) string {
	switch k {
	case protoreflect.Int32Kind, protoreflect.Uint32Kind, protoreflect.Fixed32Kind, protoreflect.Sfixed32Kind, protoreflect.Sint32Kind:
		return "a number of 32 bits"
	case protoreflect.Int64Kind, protoreflect.Uint64Kind, protoreflect.Fixed64Kind, protoreflect.Sfixed64Kind, protoreflect.Sint64Kind:
		return "a number of 64 bits, in quotes"
	case protoreflect.EnumKind:
		return "a name"
	case protoreflect.BytesKind:
		return "base64"
	case protoreflect.MessageKind, protoreflect.GroupKind:
		return "an object"
	}
	return "a " + k.String()
}

// shape is how many values a field has.
type shape uint8

const (
	single shape = iota
	list
	mapping
)

func shapeOf(f protoreflect.FieldDescriptor) shape {
	switch {
	case f.IsMap():
		return mapping
	case f.IsList():
		return list
	}
	return single
}

// TypeName is a field's type as a schema has it, "repeated int64" or "map<string, Item>", with names of messages and enums as they are within their package.
func TypeName(f protoreflect.FieldDescriptor) string {
	switch {
	case f.IsMap():
		return "map<" + TypeName(f.MapKey()) + ", " + TypeName(f.MapValue()) + ">"
	case f.IsList():
		return "repeated " + valueName(f)
	case f.Cardinality() == protoreflect.Required:
		return "required " + valueName(f)
	}
	return valueName(f)
}

func valueName(f protoreflect.FieldDescriptor) string {
	switch {
	case f.Enum() != nil:
		return local(f.Enum())
	case f.Kind() == protoreflect.GroupKind:
		return "group " + local(f.Message())
	case f.Message() != nil:
		return local(f.Message())
	}
	return f.Kind().String()
}

package compat

import (
	"fmt"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// enums compares two enums, each pair once.
func (w *walk) enums(older, newer protoreflect.EnumDescriptor) {
	pair := [2]protoreflect.EnumDescriptor{older, newer}
	if w.enumsSeen[pair] {
		return
	}
	w.enumsSeen[pair] = true
	if older.IsClosed() != newer.IsClosed() {
		w.changed(Wire, "ENUM_SAME_TYPE", place{message: older.FullName()}, openness(older), openness(newer), "a number without a name is a value in an open enum, and left out in a closed one")
	}
	for i := range older.Values().Len() {
		w.value(older, newer, older.Values().Get(i))
	}
	for _, d := range w.directions() {
		if d == Backward {
			w.closed(d, newer, older)
		} else {
			w.closed(d, older, newer)
		}
	}
	for i := range newer.Values().Len() {
		if v := newer.Values().Get(i); older.ReservedRanges().Has(v.Number()) {
			w.changed(Wire, "RESERVED_ENUM_NO_DELETE", valuePlace(older, v), "reserved", string(v.Name()), "the number of a deleted value is used again, and its old data is read as this: take a new number")
		}
	}
	for i := range older.ReservedRanges().Len() {
		r := older.ReservedRanges().Get(i)
		used := false
		for j := range newer.Values().Len() {
			n := newer.Values().Get(j).Number()
			used = used || r[0] <= n && n <= r[1]
		}
		if gap := uncovered(int32(r[0]), int32(r[1])+1, newer.ReservedRanges().Len(), func(k int) (int32, int32) {
			n := newer.ReservedRanges().Get(k)
			return int32(n[0]), int32(n[1]) + 1
		}); gap && !used {
			w.changed(Wire, "RESERVED_ENUM_NO_DELETE", place{message: older.FullName()}, "reserved "+interval(int32(r[0]), int32(r[1])+1), "", "a later value could take the number and misread old data")
		}
	}
}

func valuePlace(e protoreflect.EnumDescriptor, v protoreflect.EnumValueDescriptor) place {
	return place{e.FullName(), string(v.Name()), int32(v.Number())}
}

func openness(e protoreflect.EnumDescriptor) string {
	if e.IsClosed() {
		return "closed enum"
	}
	return "open enum"
}

// value looks for an old value in the newer enum: its number, under any of its names.
func (w *walk) value(older, newer protoreflect.EnumDescriptor, v protoreflect.EnumValueDescriptor) {
	at := valuePlace(older, v)
	now := newer.Values().ByNumber(v.Number())
	switch {
	case now == nil && !newer.ReservedRanges().Has(v.Number()):
		w.changed(Wire, "ENUM_VALUE_NO_DELETE_UNLESS_NUMBER_RESERVED", at, string(v.Name()), "",
			fmt.Sprintf("a later value could take the number and misread old data: add reserved %d; reserved %q;", v.Number(), v.Name()))
	case now == nil && !newer.ReservedNames().Has(v.Name()):
		w.changed(WireJSON, "ENUM_VALUE_NO_DELETE_UNLESS_NAME_RESERVED", at, string(v.Name()), "", fmt.Sprintf("a later value could take the name and misread old JSON: add reserved %q;", v.Name()))
	case now != nil:
		if same := newer.Values().ByName(v.Name()); same == nil || same.Number() != v.Number() {
			w.changed(WireJSON, "ENUM_VALUE_SAME_NAME", at, string(v.Name()), string(now.Name()), "JSON has the value under its name")
		}
	}
}

// closed finds numbers that a closed enum of the reader does not have.
func (w *walk) closed(d Mode, reader, writer protoreflect.EnumDescriptor) {
	if !reader.IsClosed() {
		return
	}
	for i := range writer.Values().Len() {
		v := writer.Values().Get(i)
		if reader.Values().ByNumber(v.Number()) != nil {
			continue
		}
		was, is := string(v.Name()), ""
		if d == Forward {
			was, is = is, was
		}
		w.broken(d, "ENUM_VALUE_KNOWN_TO_CLOSED", valuePlace(writer, v), was, is, "a reader whose enum is closed and lacks the value reads the field as left out")
	}
}

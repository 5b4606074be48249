package compat

import (
	"fmt"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// maxNumber is the largest field number there is.
const maxNumber = 1<<29 - 1

// removed looks at a field that the newer message lacks.
func (w *walk) removed(older, newer protoreflect.MessageDescriptor, f protoreflect.FieldDescriptor) {
	at := placeOf(older, f)
	if f.Cardinality() == protoreflect.Required && w.Mode.includes(Forward) {
		w.broken(Forward, "MESSAGE_SAME_REQUIRED_FIELDS", at, TypeName(f), "", "data of the newer schema lacks the field, and a reader that requires it refuses that")
	}
	moved := newer.Fields().ByName(f.Name())
	switch {
	case moved != nil:
		w.changed(Wire, "FIELD_SAME_NUMBER", at, fmt.Sprint("number ", f.Number()), fmt.Sprint("number ", moved.Number()), "bytes have the number, not the name: what was written is not found")
	case !newer.ReservedRanges().Has(f.Number()):
		w.changed(Wire, "FIELD_NO_DELETE_UNLESS_NUMBER_RESERVED", at, TypeName(f), "",
			fmt.Sprintf("a later field could take the number and misread old data: add reserved %d; reserved %q;", f.Number(), f.Name()))
	case !newer.ReservedNames().Has(f.Name()):
		w.changed(WireJSON, "FIELD_NO_DELETE_UNLESS_NAME_RESERVED", at, TypeName(f), "", fmt.Sprintf("a later field could take the name and misread old JSON: add reserved %q;", f.Name()))
	}
}

// reservations looks at numbers and names that the older message reserved.
func (w *walk) reservations(older, newer protoreflect.MessageDescriptor) {
	for i := range older.ReservedRanges().Len() {
		r := older.ReservedRanges().Get(i)
		used := false
		for j := range newer.Fields().Len() {
			if f := newer.Fields().Get(j); f.Number() >= r[0] && f.Number() < r[1] {
				used = true
				w.changed(Wire, "RESERVED_MESSAGE_NO_DELETE", placeOf(older, f), "reserved", TypeName(f), "the number of a deleted field is used again, and its old data is read as this: take a new number")
			}
		}
		if gap := uncovered(int32(r[0]), int32(r[1]), newer.ReservedRanges().Len(), func(k int) (int32, int32) {
			n := newer.ReservedRanges().Get(k)
			return int32(n[0]), int32(n[1])
		}); !used && gap {
			w.changed(Wire, "RESERVED_MESSAGE_NO_DELETE", place{message: older.FullName()}, "reserved "+interval(int32(r[0]), int32(r[1])), "", "a later field could take the number and misread old data")
		}
	}
	for i := range older.ReservedNames().Len() {
		if name := older.ReservedNames().Get(i); !newer.ReservedNames().Has(name) {
			w.changed(WireJSON, "RESERVED_MESSAGE_NO_DELETE", place{message: older.FullName()}, fmt.Sprintf("reserved %q", name), "", "a later field could take the name, or has, and misread old JSON")
		}
	}
}

// uncovered reports whether some of from..to (exclusive) lies in none of n ranges.
func uncovered(from, to int32, n int, get func(int) (int32, int32)) bool {
	for from < to {
		next := from
		for i := range n {
			if a, b := get(i); a <= next && next < b {
				next = b
			}
		}
		if next == from {
			return true
		}
		from = next
	}
	return false
}

// interval is a range of numbers, its end exclusive, as a schema has it.
func interval(from, to int32) string {
	switch {
	case to == from+1:
		return fmt.Sprint(from)
	case to > maxNumber:
		return fmt.Sprint(from, " to max")
	}
	return fmt.Sprint(from, " to ", to-1)
}

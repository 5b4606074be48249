package codec

import (
	"bytes"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// mapOrder puts the map entries of an encoded message, and of the messages within it, into the order of their keys. Generated fast marshalling
// walks maps in Go's random order; sorting afterwards only permutes bytes, so lengths stay and it is done in place.
type mapOrder struct {
	// fields that are maps, or messages with maps inside them, by number.
	fields map[protowire.Number]*orderedField
}

type orderedField struct {
	isMap bool
	inner *mapOrder // of the message, or of the map entry; nil when nothing within needs order
}

// shape is what Proto must know of a message type.
type shape struct {
	order  *mapOrder // nil: no maps anywhere
	bytes  bool      // a bytes field somewhere
	proto2 bool      // a message from a file that may have groups or extensions
}

func shapeOf(md protoreflect.MessageDescriptor) shape {
	var s shape
	seen := map[protoreflect.FullName]*mapOrder{}
	order := s.walk(md, seen)
	if reachesMap(order, map[*mapOrder]bool{}) {
		s.order = order
	}
	return s
}

func (s *shape) walk(md protoreflect.MessageDescriptor, seen map[protoreflect.FullName]*mapOrder) *mapOrder {
	if o, ok := seen[md.FullName()]; ok {
		return o
	}
	o := &mapOrder{fields: map[protowire.Number]*orderedField{}}
	seen[md.FullName()] = o
	if md.Syntax() != protoreflect.Proto3 {
		s.proto2 = true
	}
	for i := range md.Fields().Len() {
		f := md.Fields().Get(i)
		if f.Kind() == protoreflect.BytesKind {
			s.bytes = true
		}
		if f.Message() != nil {
			o.fields[f.Number()] = &orderedField{isMap: f.IsMap(), inner: s.walk(f.Message(), seen)}
		}
	}
	return o
}

// reachesMap reports whether there is a map at or below o.
func reachesMap(o *mapOrder, seen map[*mapOrder]bool) bool {
	if seen[o] {
		return false
	}
	seen[o] = true
	for _, f := range o.fields {
		if f.isMap || reachesMap(f.inner, seen) {
			return true
		}
	}
	return false
}

// sort orders b, one encoded message, in place. Generated code writes a map's entries in a row, and after all known fields the unknown ones as they came.
// It accepts unknown fields that are malformed (a group closed by another's number), so where b cannot be taken apart the known fields are over.
func (o *mapOrder) sort(b []byte) {
	var few [16][]byte // most maps are small
	var run = few[:0]
	var runOf protowire.Number
	runStart, at := 0, 0
	for at < len(b) {
		num, typ, n := protowire.ConsumeTag(b[at:])
		if n < 0 {
			break
		}
		size := protowire.ConsumeFieldValue(num, typ, b[at+n:])
		if size < 0 {
			break
		}
		end := at + n + size
		f := o.fields[num]
		if len(run) > 0 && (num != runOf || f == nil) {
			sortRun(b[runStart:at], run)
			run = run[:0]
		}
		if f != nil && typ == protowire.BytesType {
			if len(f.inner.fields) > 0 {
				_, lenSize := protowire.ConsumeVarint(b[at+n:])
				f.inner.sort(b[at+n+lenSize : end])
			}
			if f.isMap {
				if len(run) == 0 {
					runStart, runOf = at, num
				}
				run = append(run, b[at:end])
			}
		}
		at = end
	}
	sortRun(b[runStart:], run)
}

// sortRun puts the entries, which lie in a row in b, into order.
func sortRun(b []byte, entries [][]byte) {
	if slices.IsSortedFunc(entries, compareEntries) {
		return
	}
	slices.SortFunc(entries, compareEntries)
	buf := scratch.Get().(*[]byte)
	sorted := (*buf)[:0]
	for _, e := range entries {
		sorted = append(sorted, e...)
	}
	copy(b, sorted)
	if cap(sorted) <= scratchLimit {
		*buf = sorted
		scratch.Put(buf)
	}
}

func compareEntries(x, y []byte) int { return bytes.Compare(entryKey(x), entryKey(y)) }

// entryKey is the key within an entry: a string's bytes, so that strings sort as the protobuf library sorts them; the encoding of any other kind.
func entryKey(e []byte) []byte {
	_, _, n := protowire.ConsumeTag(e)
	body, _ := protowire.ConsumeBytes(e[n:])
	num, typ, k := protowire.ConsumeTag(body)
	if num != 1 || k < 0 {
		return nil
	}
	if typ == protowire.BytesType {
		key, _ := protowire.ConsumeBytes(body[k:])
		return key
	}
	size := protowire.ConsumeFieldValue(num, typ, body[k:])
	return body[k : k+max(size, 0)]
}

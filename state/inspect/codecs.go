package inspect

import (
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/millrace/millrace/internal/scalar"
	"github.com/millrace/millrace/internal/windowing"
	"github.com/millrace/millrace/state"
)

// Decoder turns a stored value into JSON.
type Decoder func(src []byte) (json.RawMessage, error)

// Codecs are the decoders of a program's own codecs, by their ID. Nil is empty.
type Codecs map[string]Decoder

// JSON shows what a codec decodes as encoding/json writes it.
func JSON[T any](c state.Codec[T]) Decoder {
	return func(src []byte) (json.RawMessage, error) {
		v, err := c.Decode(src)
		if err != nil {
			return nil, err
		}
		return json.Marshal(v)
	}
}

// unknown shows bytes of a codec that is not known.
type unknown struct {
	Hex string `json:"hex"`
}

// decode shows a value by its codec's ID; wrappers such as list<X> are taken apart, whatever X is.
func (c Codecs) decode(id string, src []byte) (json.RawMessage, error) {
	if d := c[id]; d != nil {
		return d(src)
	}
	switch id {
	case "int64":
		return JSON(scalar.Int[int64]{})(src)
	case "float64/sorted":
		return JSON(scalar.Float64{})(src)
	case "bool":
		return JSON(scalar.Bool{})(src)
	case "unit":
		return json.RawMessage("null"), nil
	case "string":
		if utf8.Valid(src) {
			return json.Marshal(string(src))
		}
	case "timers/1":
		return decodeTimers(src)
	}
	if inner, ok := inside(id, "windows/1<"); ok {
		return c.windows(inner, src)
	}
	if inner, ok := inside(id, "list<"); ok {
		return c.list(inner, src)
	}
	if inner, ok := inside(id, "optional<"); ok {
		if len(src) == 0 || src[0] == 0 {
			return json.RawMessage("null"), nil
		}
		return c.decode(inner, src[1:])
	}
	if inner, ok := inside(id, "map<"); ok {
		if key, value, ok := halves(inner); ok {
			return c.mapping(key, value, src)
		}
	}
	if strings.HasPrefix(id, "json:") && json.Valid(src) {
		return append(json.RawMessage(nil), src...), nil
	}
	return json.Marshal(unknown{hex.EncodeToString(src)})
}

func inside(id, head string) (inner string, ok bool) {
	if !strings.HasPrefix(id, head) || !strings.HasSuffix(id, ">") {
		return "", false
	}
	return id[len(head) : len(id)-1], true
}

// halves parts the two IDs of a map at the comma that is in neither.
func halves(inner string) (first, second string, ok bool) {
	depth := 0
	for i, r := range inner {
		switch r {
		case '<', '(':
			depth++
		case '>', ')':
			depth--
		case ',':
			if depth == 0 {
				return inner[:i], inner[i+1:], true
			}
		}
	}
	return "", "", false
}

type windowJSON struct {
	Start    int64           `json:"start"`
	End      int64           `json:"end"`
	Records  int64           `json:"records"`
	Fired    bool            `json:"fired,omitempty"`
	Ended    bool            `json:"ended,omitempty"`
	Timer    *int64          `json:"timer,omitempty"` // of its trigger
	Contents json.RawMessage `json:"contents"`
	Places   []placeJSON     `json:"places,omitempty"`
	Shown    []shownJSON     `json:"shown,omitempty"`
}

type placeJSON struct {
	Split int32 `json:"split"`
	First int64 `json:"first"`
	Last  int64 `json:"last"`
	Count int64 `json:"records"`
}

type shownJSON struct {
	Start    int64           `json:"start"`
	End      int64           `json:"end"`
	Contents json.RawMessage `json:"contents"`
	Told     bool            `json:"told,omitempty"` // operators with state know already that it is taken back
	Places   []placeJSON     `json:"places,omitempty"`
}

func placesOf(list []windowing.Range) (all []placeJSON) {
	for _, p := range list {
		all = append(all, placeJSON{p.Split, p.First, p.Last, p.Count})
	}
	return all
}

func (c Codecs) windows(contents string, src []byte) (json.RawMessage, error) {
	ws, err := windowing.DecodeStored(src)
	if err != nil {
		return nil, err
	}
	all := make([]windowJSON, len(ws))
	for i, w := range ws {
		all[i] = windowJSON{Start: w.Start, End: w.End, Records: w.Records, Fired: w.Fired, Ended: w.Ended, Timer: deadline(w.Timer), Places: placesOf(w.Places)}
		if all[i].Contents, err = c.decode(contents, w.Contents); err != nil {
			return nil, fmt.Errorf("window %s: %w", w.TimeWindow, err)
		}
		for _, s := range w.Shown {
			was, err := c.decode(contents, s.Contents)
			if err != nil {
				return nil, fmt.Errorf("window %s as it was shown: %w", s.TimeWindow, err)
			}
			all[i].Shown = append(all[i].Shown, shownJSON{s.Start, s.End, was, s.Told, placesOf(s.Places)})
		}
	}
	return json.Marshal(all)
}

func (c Codecs) list(element string, src []byte) (json.RawMessage, error) {
	parts, err := windowing.DecodeStoredList(src)
	if err != nil {
		return nil, err
	}
	all := make([]json.RawMessage, len(parts))
	for i, p := range parts {
		if all[i], err = c.decode(element, p); err != nil {
			return nil, fmt.Errorf("element %d: %w", i, err)
		}
	}
	return json.Marshal(all)
}

type pairJSON struct {
	Key   json.RawMessage `json:"key"`
	Value json.RawMessage `json:"value"`
}

// mapping shows a map as its pairs, as keys need not be text.
func (c Codecs) mapping(key, value string, src []byte) (json.RawMessage, error) {
	r := reader{src: src}
	n := r.uvarint()
	pairs := []pairJSON{}
	for range n {
		k := r.take(r.uvarint())
		v := r.take(uint64(r.uint32()))
		if r.err != nil {
			return nil, r.err
		}
		var p pairJSON
		var err error
		if p.Key, err = c.decode(key, k); err != nil {
			return nil, fmt.Errorf("key of a map: %w", err)
		}
		if p.Value, err = c.decode(value, v); err != nil {
			return nil, fmt.Errorf("value of a map: %w", err)
		}
		pairs = append(pairs, p)
	}
	if r.err != nil {
		return nil, r.err
	}
	return json.Marshal(pairs)
}

type timersJSON struct {
	Event      []int64 `json:"event,omitempty"`
	Processing []int64 `json:"processing,omitempty"`
}

func decodeTimers(src []byte) (json.RawMessage, error) {
	r := reader{src: src}
	var t timersJSON
	for _, list := range []*[]int64{&t.Event, &t.Processing} {
		for n := r.uvarint(); n > 0 && r.err == nil; n-- {
			*list = append(*list, r.varint())
			r.varint() // the watermark that set it
		}
	}
	if r.err != nil {
		return nil, r.err
	}
	return json.Marshal(t)
}

// reader takes bytes apart; its first error stays.
type reader struct {
	src []byte
	err error
}

func (r *reader) short() {
	r.src, r.err = nil, fmt.Errorf("cut short: %w", state.ErrCorrupt)
}

func (r *reader) uvarint() uint64 {
	v, n := binary.Uvarint(r.src)
	if n <= 0 {
		r.short()
		return 0
	}
	r.src = r.src[n:]
	return v
}

func (r *reader) varint() int64 {
	v, n := binary.Varint(r.src)
	if n <= 0 {
		r.short()
		return 0
	}
	r.src = r.src[n:]
	return v
}

func (r *reader) uint32() uint32 {
	b := r.take(4)
	if len(b) < 4 {
		return 0
	}
	return binary.BigEndian.Uint32(b)
}

func (r *reader) take(n uint64) []byte {
	if r.err != nil || n > uint64(len(r.src)) {
		r.short()
		return nil
	}
	b := r.src[:n]
	r.src = r.src[n:]
	return b
}

package inspect

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/millrace/millrace/internal/keyed"
	"github.com/millrace/millrace/internal/scalar"
	"github.com/millrace/millrace/internal/windowing"
	"github.com/millrace/millrace/state"
	"github.com/millrace/millrace/window"
)

// Encoder turns JSON, as the Decoder of the same codec shows a value, into the stored value. It refuses what the codec could not read again.
type Encoder func(value json.RawMessage) ([]byte, error)

// Encoders are the encoders of a program's own codecs, by their ID. Nil is empty.
type Encoders map[string]Encoder

// FromJSON reads what encoding/json reads as a T, and encodes it. A field that T does not have is refused.
func FromJSON[T any](c state.Codec[T]) Encoder {
	return func(value json.RawMessage) ([]byte, error) {
		var v T
		if err := strictly(value, &v); err != nil {
			return nil, err
		}
		return c.Append(nil, v)
	}
}

// strictly reads one JSON value, all of it.
func strictly(text json.RawMessage, into any) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something follows the JSON value")
	}
	return nil
}

// encode is the reverse of Codecs.decode.
func (c Encoders) encode(id string, value json.RawMessage) ([]byte, error) {
	if e := c[id]; e != nil {
		return e(value)
	}
	switch id {
	case "int64":
		return FromJSON(scalar.Int[int64]{})(value)
	case "float64/sorted":
		return FromJSON(scalar.Float64{})(value)
	case "bool":
		return FromJSON(scalar.Bool{})(value)
	case "unit":
		return nil, nil
	case "string":
		var text string
		if json.Unmarshal(value, &text) == nil {
			return []byte(text), nil
		}
	}
	if inner, ok := inside(id, "windows/1<"); ok {
		return c.windows(inner, value)
	}
	if inner, ok := inside(id, "list<"); ok {
		return c.list(inner, value)
	}
	if inner, ok := inside(id, "optional<"); ok {
		if string(value) == "null" {
			return []byte{0}, nil
		}
		b, err := c.encode(inner, value)
		return append([]byte{1}, b...), err
	}
	if inner, ok := inside(id, "map<"); ok {
		if key, element, ok := halves(inner); ok {
			return c.mapping(key, element, value)
		}
	}
	if strings.HasPrefix(id, "json:") {
		var tight bytes.Buffer
		err := json.Compact(&tight, value)
		return tight.Bytes(), err
	}
	var u unknown
	if err := strictly(value, &u); err != nil {
		return nil, fmt.Errorf("this program does not know the codec %s, so that a value is its bytes, {\"hex\": \"...\"}: %w", cmp.Or(id, "of the state"), err)
	}
	return hex.DecodeString(u.Hex)
}

func (c Encoders) list(element string, value json.RawMessage) ([]byte, error) {
	var all []json.RawMessage
	if err := strictly(value, &all); err != nil {
		return nil, err
	}
	parts := make([][]byte, len(all))
	for i, v := range all {
		var err error
		if parts[i], err = c.encode(element, v); err != nil {
			return nil, fmt.Errorf("element %d: %w", i, err)
		}
	}
	return windowing.EncodeStoredList(parts)
}

func (c Encoders) mapping(key, element string, value json.RawMessage) ([]byte, error) {
	var pairs []pairJSON
	if err := strictly(value, &pairs); err != nil {
		return nil, err
	}
	type coded struct{ key, value []byte }
	all := make([]coded, len(pairs))
	for i, p := range pairs {
		var err error
		if all[i].key, err = c.encode(key, p.Key); err != nil {
			return nil, fmt.Errorf("key %d of a map: %w", i, err)
		}
		if all[i].value, err = c.encode(element, p.Value); err != nil {
			return nil, fmt.Errorf("value %d of a map: %w", i, err)
		}
	}
	slices.SortFunc(all, func(a, b coded) int { return bytes.Compare(a.key, b.key) })
	dst := binary.AppendUvarint(nil, uint64(len(all)))
	for i, p := range all {
		if i > 0 && bytes.Equal(p.key, all[i-1].key) {
			return nil, errors.New("a map has a key twice")
		}
		dst = binary.AppendUvarint(dst, uint64(len(p.key)))
		dst = append(dst, p.key...)
		dst = binary.BigEndian.AppendUint32(dst, uint32(len(p.value)))
		dst = append(dst, p.value...)
	}
	return dst, nil
}

func (c Encoders) windows(contents string, value json.RawMessage) ([]byte, error) {
	var all []windowJSON
	if err := strictly(value, &all); err != nil {
		return nil, err
	}
	if len(all) == 0 {
		return nil, errors.New("a key without windows has no state: delete it")
	}
	ws := make([]windowing.StoredWindow, len(all))
	for i, w := range all {
		switch {
		case w.Start >= w.End:
			return nil, fmt.Errorf("window %d: it ends at %d, not behind its start, %d", i, w.End, w.Start)
		case i > 0 && cmp.Or(cmp.Compare(all[i-1].Start, w.Start), cmp.Compare(all[i-1].End, w.End)) >= 0:
			return nil, fmt.Errorf("window %d: windows are in the order of their start, each once", i)
		case w.Records < 0:
			return nil, fmt.Errorf("window %d: it cannot hold %d records", i, w.Records)
		case w.Contents == nil:
			return nil, fmt.Errorf("window %d has no contents", i)
		}
		ws[i] = windowing.StoredWindow{TimeWindow: window.TimeWindow{Start: w.Start, End: w.End}, Records: w.Records, Fired: w.Fired, Ended: w.Ended, Timer: keyed.None, Places: rangesOf(w.Places)}
		if w.Timer != nil {
			ws[i].Timer = *w.Timer
		}
		var err error
		if ws[i].Contents, err = c.encode(contents, w.Contents); err != nil {
			return nil, fmt.Errorf("window %d: %w", i, err)
		}
		for _, s := range w.Shown {
			was, err := c.encode(contents, s.Contents)
			if err != nil {
				return nil, fmt.Errorf("window %d as it was shown: %w", i, err)
			}
			ws[i].Shown = append(ws[i].Shown, windowing.StoredShown{TimeWindow: window.TimeWindow{Start: s.Start, End: s.End}, Contents: was, Told: s.Told, Places: rangesOf(s.Places)})
		}
	}
	return windowing.EncodeStored(ws)
}

func rangesOf(places []placeJSON) (list []windowing.Range) {
	for _, p := range places {
		list = append(list, windowing.Range{Split: p.Split, First: p.First, Last: p.Last, Count: p.Count})
	}
	return list
}

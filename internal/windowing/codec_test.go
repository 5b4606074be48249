package windowing

import (
	"encoding/binary"
	"errors"
	"reflect"
	"testing"

	"github.com/millrace/millrace/internal/keyed"
	"github.com/millrace/millrace/state"
	"github.com/millrace/millrace/window"
)

// fixed is a codec of numbers as four bytes.
type fixed struct{}

func (fixed) ID() string { return "fixed" }
func (fixed) Append(dst []byte, v uint32) ([]byte, error) {
	return binary.BigEndian.AppendUint32(dst, v), nil
}
func (fixed) Decode(src []byte) (uint32, error) {
	if len(src) != 4 {
		return 0, errShort
	}
	return binary.BigEndian.Uint32(src), nil
}

var sample = windows[[]uint32]{
	{TimeWindow: window.TimeWindow{Start: -5, End: 7}, contents: []uint32{}, timer: keyed.None},
	{
		TimeWindow: window.TimeWindow{Start: 1, End: 1 << 60}, contents: []uint32{1, 2, 3}, count: 4, timer: -9, fired: true, ended: true,
		shown: []pane{{window.TimeWindow{Start: 1, End: 2}, []byte{1}, true}, {window.TimeWindow{Start: 3, End: 4}, nil, false}},
	},
}

func TestWindowsRoundTrip(t *testing.T) {
	c := windowsCodec[[]uint32]{List(fixed{})}
	b, err := c.Append([]byte{9}, sample)
	if err != nil {
		t.Fatal(err)
	}
	got, err := c.Decode(b[1:])
	if err != nil || !reflect.DeepEqual(got, sample) {
		t.Fatalf("%+v, %v\nwant %+v", got, err, sample)
	}
	for n := range len(b) - 1 {
		if _, err := c.Decode(b[1 : 1+n]); !errors.Is(err, state.ErrCorrupt) {
			t.Fatalf("the first %d of %d bytes: error %v, want ErrCorrupt", n, len(b)-1, err)
		}
	}
}

// Whatever the bytes, decoding ends, without a panic, and what it accepts is stored again as it means.
func FuzzWindows(f *testing.F) {
	c := windowsCodec[[]uint32]{List(fixed{})}
	b, err := c.Append(nil, sample)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add([]byte{})
	f.Add([]byte{1, 0, 0, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1})
	f.Fuzz(func(t *testing.T, src []byte) {
		ws, err := c.Decode(src)
		if err != nil {
			return
		}
		b, err := c.Append(nil, ws)
		if err != nil {
			t.Fatal(err)
		}
		again, err := c.Decode(b)
		if err != nil || !reflect.DeepEqual(ws, again) {
			t.Fatalf("%+v became %+v, %v", ws, again, err)
		}
	})
}

func TestElementsKeep(t *testing.T) {
	fold := Elements(fixed{})
	var a []uint32
	for v := range uint32(5) {
		if err := fold.Add(&a, v); err != nil {
			t.Fatal(err)
		}
	}
	fold.Keep(&a, 7)
	fold.Keep(&a, 2)
	if !reflect.DeepEqual(a, []uint32{3, 4}) {
		t.Errorf("kept %v, want the last two", a)
	}
	b := []uint32{1}
	if err := fold.Merge(&a, &b); err != nil || !reflect.DeepEqual(a, []uint32{3, 4, 1}) {
		t.Errorf("merged %v, %v", a, err)
	}
}

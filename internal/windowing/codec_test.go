package windowing

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"github.com/millrace/millrace/internal/flow"
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

func sample() (ws windows[[]uint32]) {
	for i, l := range []live[[]uint32]{
		{TimeWindow: window.TimeWindow{Start: -5, End: 7}, contents: []uint32{}, timer: keyed.None},
		{
			TimeWindow: window.TimeWindow{Start: 1, End: 1 << 60}, contents: []uint32{1, 2, 3}, count: 4, timer: -9, fired: true, ended: true,
			shown: []pane{
				{window: window.TimeWindow{Start: 1, End: 2}, contents: []byte{1}, told: true},
				{window: window.TimeWindow{Start: 3, End: 4}, from: []Range{{2, 7, 9, 2}, {flow.NoSplit, 0, 0, 5}}},
			},
			from: &ranges{list: []Range{{0, 5, 5, 1}, {300, -1, 1 << 50, 12}}},
		},
	} {
		ws.insert(i, l)
	}
	return ws
}

// TestWindowsFromBefore decodes what was stored before windows kept where their records stand; without it they are stored as they were.
func TestWindowsFromBefore(t *testing.T) {
	before, err := hex.DecodeString("02090e0000feffffffffffffffff0100000000010002808080808080808020030811020204010000000101060800000000000000001903000000040000000100000004000000020000000400000003")
	if err != nil {
		t.Fatal(err)
	}
	old := sample()
	old.at(1).from = nil
	old.at(1).shown[1].from = nil
	c := windowsCodec[[]uint32]{List(fixed{})}
	got, err := c.Decode(before)
	if err != nil || !reflect.DeepEqual(got, old) {
		t.Fatalf("%+v, %v\nwant %+v", got, err, old)
	}
	if b, err := c.Append(nil, old); err != nil || !bytes.Equal(b, before) {
		t.Fatalf("%x, %v\nwant %x", b, err, before)
	}
}

func TestWindowsRoundTrip(t *testing.T) {
	c := windowsCodec[[]uint32]{List(fixed{})}
	b, err := c.Append([]byte{9}, sample())
	if err != nil {
		t.Fatal(err)
	}
	got, err := c.Decode(b[1:])
	if err != nil || !reflect.DeepEqual(got, sample()) {
		t.Fatalf("%+v, %v\nwant %+v", got, err, sample())
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
	b, err := c.Append(nil, sample())
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

// Windows behave as the sorted slice that they stand for.
func TestWindowsAreAList(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var ws windows[int]
	var want []live[int]
	for step := range 2000 {
		if len(want) > 0 && r.IntN(2) == 0 {
			i := r.IntN(len(want))
			ws.remove(i)
			want = slices.Delete(want, i, i+1)
		} else {
			start := int64(r.IntN(8))
			w := window.TimeWindow{Start: start, End: start + 1 + int64(r.IntN(3))}
			i := ws.place(w)
			ws.insert(i, live[int]{TimeWindow: w, contents: step})
			want = slices.Insert(want, i, live[int]{TimeWindow: w, contents: step})
		}
		if ws.count() != len(want) {
			t.Fatalf("step %d: %d windows, want %d", step, ws.count(), len(want))
		}
		for i := range want {
			if got := ws.at(i); !reflect.DeepEqual(*got, want[i]) {
				t.Fatalf("step %d: window %d is %+v, want %+v", step, i, *got, want[i])
			}
			if i > 0 {
				a, b := want[i-1].TimeWindow, want[i].TimeWindow
				if a.Start > b.Start || a.Start == b.Start && a.End > b.End {
					t.Fatalf("step %d: %v stands before %v", step, a, b)
				}
			}
		}
	}
	if len(want) == 0 && ws.n > 0 {
		t.Error("a window is left")
	}
}

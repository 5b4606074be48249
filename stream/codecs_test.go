package stream

import (
	"errors"
	"maps"
	"math"
	"reflect"
	"testing"

	"github.com/millrace/millrace/codec"
	"github.com/millrace/millrace/state"
)

func TestTimersRoundTrip(t *testing.T) {
	ts := timers{{{math.MinInt64, 5}, {7, math.MinInt64}}, {{math.MaxInt64 - 1, 0}}}
	b, err := timersCodec{}.Append(nil, ts)
	if err != nil {
		t.Fatal(err)
	}
	got, err := timersCodec{}.Decode(b)
	if err != nil || !reflect.DeepEqual(got, ts) {
		t.Fatalf("%v, %v", got, err)
	}
	for n := range b {
		if _, err := (timersCodec{}).Decode(b[:n]); !errors.Is(err, state.ErrCorrupt) {
			t.Fatalf("the first %d of %d bytes: error %v, want ErrCorrupt", n, len(b), err)
		}
	}
}

func TestMapsRoundTrip(t *testing.T) {
	c := mapCodec[string, int]{codec.String(), codec.Int()}
	m := map[string]int{"": 1, "\xff": -2, "a longer key": math.MaxInt}
	b, err := c.Append(nil, m)
	if err != nil {
		t.Fatal(err)
	}
	again, _ := c.Append(nil, maps.Clone(m))
	if string(again) != string(b) {
		t.Error("equal maps are not equal bytes")
	}
	got, err := c.Decode(b)
	if err != nil || !maps.Equal(got, m) {
		t.Fatalf("%v, %v", got, err)
	}
	for n := range b {
		if _, err := c.Decode(b[:n]); !errors.Is(err, state.ErrCorrupt) {
			t.Fatalf("the first %d of %d bytes: error %v, want ErrCorrupt", n, len(b), err)
		}
	}
}

func FuzzStateDecoders(f *testing.F) {
	f.Add([]byte{1, 1, 'a', 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 1})
	f.Add([]byte{255, 255, 255, 255, 255, 255, 255, 255, 255, 1})
	f.Add([]byte{1, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1})
	f.Fuzz(func(t *testing.T, src []byte) {
		if ts, err := (timersCodec{}).Decode(src); err == nil {
			b, _ := timersCodec{}.Append(nil, ts)
			if again, err := (timersCodec{}).Decode(b); err != nil || !reflect.DeepEqual(ts, again) {
				t.Fatalf("timers %v became %v, %v", ts, again, err)
			}
		}
		c := mapCodec[string, int]{codec.String(), codec.Int()}
		if m, err := c.Decode(src); err == nil {
			b, _ := c.Append(nil, m)
			if again, err := c.Decode(b); err != nil || !maps.Equal(m, again) {
				t.Fatalf("map %v became %v, %v", m, again, err)
			}
		}
	})
}

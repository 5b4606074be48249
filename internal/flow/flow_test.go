package flow

import (
	"errors"
	"math"
	"slices"
	"testing"
	"time"
)

type record struct {
	meta  Meta
	value int
}

type recorder struct {
	got   []record
	times []int64
	err   error
}

func (r *recorder) Push(m *Meta, v int) error {
	r.got = append(r.got, record{*m, v})
	return r.err
}

func (r *recorder) Advance(w int64) error {
	r.times = append(r.times, w)
	return r.err
}

func TestBehind(t *testing.T) {
	for w, want := range map[int64]int64{math.MinInt64: math.MinInt64, math.MinInt64 + 1: math.MinInt64, 0: -1, math.MaxInt64 - 1: math.MaxInt64 - 2, math.MaxInt64: math.MaxInt64} {
		if got := Behind(w); got != want {
			t.Errorf("Behind(%d) = %d, want %d", w, got, want)
		}
	}
}

func TestAddSaturating(t *testing.T) {
	const low, high = math.MinInt64, math.MaxInt64
	for _, c := range [][3]int64{{1, 2, 3}, {1, -2, -1}, {high, 1, high}, {high - 1, 1, high}, {high, high, high}, {low, -1, low}, {low, low, low}, {low, high, -1}, {high, low, -1}, {low, 0, low}} {
		if got := AddSaturating(c[0], c[1]); got != c[2] {
			t.Errorf("%d + %d is %d, want %d", c[0], c[1], got, c[2])
		}
	}
}

func TestTeeAndJoin(t *testing.T) {
	a, b := &recorder{}, &recorder{}
	if err := Tee([]Pusher[int]{a, b}).Push(&Meta{Offset: 4}, 7); err != nil || len(a.got) != 1 || b.got[0] != (record{Meta{Offset: 4}, 7}) {
		t.Errorf("tee: %v %v %v", err, a.got, b.got)
	}
	if Tee[int](nil) != Pusher[int](Discard[int]{}) || Tee([]Pusher[int]{a}) != Pusher[int](a) {
		t.Error("a tee of none discards, a tee of one is that one")
	}
	if Join(Still, Still) != Still || Join(Still, a) != Control(a) {
		t.Error("what stands still is left out")
	}
	if err := Join(a, Still, b).Advance(5); err != nil || a.times[0] != 5 || b.times[0] != 5 {
		t.Errorf("join: %v %v %v", err, a.times, b.times)
	}
	a.err = errors.New("no")
	if err := Tee([]Pusher[int]{a, b}).Push(&Meta{}, 1); err != a.err || len(b.got) != 1 {
		t.Error("an error stops the tee")
	}
	if err := Join(a, b).Advance(6); err != a.err || len(b.times) != 1 {
		t.Error("an error stops the join")
	}
}

func TestMergeTakesTheMinimum(t *testing.T) {
	r := &recorder{}
	m := NewMerge[int](r, r)
	_, a := m.Branch()
	push, b := m.Branch()
	for _, s := range []struct {
		branch Control
		to     int64
	}{{a, 10}, {b, 5}, {b, 7}, {a, 11}, {b, 20}, {b, 30}, {a, math.MaxInt64}, {b, math.MaxInt64}} {
		if err := s.branch.Advance(s.to); err != nil {
			t.Fatal(err)
		}
	}
	if want := []int64{5, 7, 11, 30, math.MaxInt64}; !slices.Equal(r.times, want) {
		t.Errorf("time went %v, want %v", r.times, want)
	}
	if err := push.Push(&Meta{Timestamp: 3}, 8); err != nil || r.got[0].value != 8 {
		t.Errorf("%v %v", err, r.got)
	}
}

func TestMillisSaturate(t *testing.T) {
	for _, c := range []struct {
		at   time.Time
		want int64
	}{
		{time.UnixMilli(0), 0},
		{time.UnixMilli(-1), -1},
		{time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC), -62_167_219_200_000},
		{time.Unix(math.MaxInt64/1000-1, 0), (math.MaxInt64/1000 - 1) * 1000},
		{time.Unix(math.MinInt64/1000+1, 0), (math.MinInt64/1000 + 1) * 1000},
		{time.UnixMilli(math.MaxInt64), math.MaxInt64},
		{time.UnixMilli(math.MinInt64), math.MinInt64},
		{time.UnixMilli(math.MaxInt64 - 9), math.MaxInt64 - 9},
		{time.UnixMilli(math.MinInt64 + 9), math.MinInt64 + 9},
		{time.UnixMilli(math.MaxInt64).Add(time.Millisecond), math.MaxInt64},
		{time.UnixMilli(math.MinInt64).Add(-time.Millisecond), math.MinInt64},
		{time.UnixMilli(math.MinInt64).Add(-time.Hour), math.MinInt64},
		{time.Unix(math.MaxInt64, 0), math.MaxInt64}, // year 292277026596
		{time.Unix(math.MinInt64, 0), math.MinInt64},
	} {
		if got := Millis(c.at); got != c.want {
			t.Errorf("%s is %d, want %d", c.at, got, c.want)
		}
	}
}

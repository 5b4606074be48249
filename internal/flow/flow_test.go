package flow

import (
	"errors"
	"math"
	"slices"
	"testing"
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
	for _, c := range [][3]int64{{1, 2, 3}, {math.MaxInt64, 0, math.MaxInt64}, {math.MaxInt64 - 1, 2, math.MaxInt64}, {math.MinInt64, math.MaxInt64, -1}, {-5, math.MaxInt64, math.MaxInt64 - 5}} {
		if got := AddSaturating(c[0], c[1]); got != c[2] {
			t.Errorf("AddSaturating(%d, %d) = %d, want %d", c[0], c[1], got, c[2])
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

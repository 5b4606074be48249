package exchange

import (
	"context"
	"errors"
	"slices"
	"testing"
	"unsafe"

	"github.com/millrace/millrace/internal/flow"
)

// byValue sends a value to the inbox of its number.
type byValue struct{ of int }

func (r byValue) Route(_ *flow.Meta, v int) (subtask int, hash uint64, err error) {
	if v < 0 {
		return 0, 0, errRoute
	}
	return v % r.of, uint64(v), nil
}

var errRoute = errors.New("no way")

func unmeasured(bool) {}

func received(in *Inbox[int]) (batches []*Batch[int]) {
	for {
		select {
		case b := <-in.C:
			batches = append(batches, b)
		default:
			return batches
		}
	}
}

func values(b *Batch[int]) (vs []int) {
	for _, r := range b.Records {
		vs = append(vs, r.Value)
	}
	return vs
}

func TestBatches(t *testing.T) {
	x := New[int](2, 3, 2, 1<<20)
	w := x.Writer(t.Context(), unmeasured, byValue{2})
	for v := range 8 {
		if err := w.Push(&flow.Meta{Offset: int64(v), Hash: 99}, v); err != nil {
			t.Fatal(err)
		}
	}
	even := received(x.Inbox(0))
	if len(even) != 1 || !slices.Equal(values(even[0]), []int{0, 2, 4}) || even[0].Records[1].Meta.Offset != 2 {
		t.Fatalf("a full batch goes by itself: %v", even)
	}
	for _, r := range even[0].Records {
		if r.Meta.Hash != uint64(r.Value) {
			t.Errorf("a record of hash %d, want the route's, %d", r.Meta.Hash, r.Value)
		}
	}
	w.Advance(5)
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	odd := received(x.Inbox(1))
	if len(odd) != 2 || !slices.Equal(values(odd[1]), []int{7}) || odd[1].Watermark != 5 || odd[0].Watermark != minWatermark {
		t.Fatalf("a flush sends the rest with the watermark: %v", odd)
	}
	even = append(even, received(x.Inbox(0))...)
	even[0].Release()
	even[1].Release()
	if even[0].Records[:1][0].Value != 0 || even[0].Records[:1][0].Meta.Offset != 0 {
		t.Error("a released batch keeps nothing of its records")
	}
	if err := w.Flush(); err != nil || len(received(x.Inbox(0))) != 0 {
		t.Error("a flush of nothing sends nothing")
	}
	if err := w.Push(&flow.Meta{}, -1); !errors.Is(err, errRoute) {
		t.Errorf("error %v, want the route's", err)
	}
}

func TestAnAtomicStepStaysInOneBatch(t *testing.T) {
	x := New[int](1, 2, 4, 1<<20)
	w := x.Writer(t.Context(), unmeasured, byValue{1})
	for v := range 5 {
		if err := w.Push(&flow.Meta{More: v > 0 && v < 4}, v); err != nil {
			t.Fatal(err)
		}
	}
	if got := received(x.Inbox(0)); len(got) != 1 || len(got[0].Records) != 5 {
		t.Fatalf("%d batches, want the step of 1 to 4 together", len(got))
	}
}

func TestControl(t *testing.T) {
	x := New[int](1, 8, 4, 1<<20)
	a, b := x.Writer(t.Context(), unmeasured, byValue{1}), x.Writer(t.Context(), unmeasured, byValue{1})
	if x.Inbox(0).Lanes() != 2 {
		t.Fatal("each writer is a lane")
	}
	a.Push(&flow.Meta{}, 1)
	a.Barrier(3)
	b.SetIdle(true)
	b.Flush()
	b.End()
	got := received(x.Inbox(0))
	if len(got) != 3 || got[0].Barrier != 3 || got[0].Lane != 0 || !slices.Equal(values(got[0]), []int{1}) {
		t.Fatalf("the barrier follows the records: %+v", got[0])
	}
	if !got[1].Idle || got[1].End || got[1].Lane != 1 || !got[2].End {
		t.Errorf("idle, then the end: %+v %+v", got[1], got[2])
	}
	got[0].Release()
	a.Push(&flow.Meta{}, 2)
	a.Flush()
	if again := received(x.Inbox(0)); again[0].Barrier != 0 {
		t.Error("a batch is not a barrier twice")
	}
}

// A writer without credit waits for a batch to come back, or its context.
func TestCreditIsBounded(t *testing.T) {
	x := New[int](1, 1, 2, 1<<20)
	ctx, cancel := context.WithCancelCause(context.Background())
	var waits []bool // what the writer said of its waiting
	waiting := make(chan struct{})
	note := func(w bool) {
		if waits = append(waits, w); w {
			waiting <- struct{}{}
		}
	}
	w := x.Writer(ctx, note, byValue{1})
	for v := range 2 {
		if err := w.Push(&flow.Meta{}, v); err != nil {
			t.Fatal(err)
		}
	}
	pushed := make(chan error)
	go func() { pushed <- w.Push(&flow.Meta{}, 2) }()
	<-waiting
	(<-x.Inbox(0).C).Release()
	if err := <-pushed; err != nil {
		t.Fatal(err)
	}
	go func() { pushed <- w.Push(&flow.Meta{}, 3) }()
	<-waiting
	cancel(errRoute)
	if err := <-pushed; !errors.Is(err, errRoute) {
		t.Errorf("error %v, want the context's cause", err)
	}
	if !slices.Equal(waits, []bool{true, false, true, false}) {
		t.Errorf("the writer said %v of its waiting, want that it began and ended twice", waits)
	}
}

func TestManyLanesHaveLessEach(t *testing.T) {
	size := int64(unsafe.Sizeof(Envelope[int]{}))
	for _, c := range []struct {
		inboxes, writers int
		records          int64
		size, credit     int
	}{
		{1, 1, 1000, 100, 4}, // enough
		{1, 1, 300, 100, 3},  // fewer batches
		{2, 4, 640, 40, 2},   // smaller ones
		{4, 4, 10, 16, 2},    // the least
	} {
		x := New[int](c.inboxes, 100, 4, c.records*size)
		var w *Writer[int]
		for range c.writers {
			w = x.Writer(t.Context(), unmeasured, byValue{c.inboxes})
		}
		if size, credit := x.portion(); size != c.size || credit != c.credit {
			t.Errorf("%d lanes of %d records: %d batches of %d, want %d of %d", c.inboxes*c.writers, c.records, credit, size, c.credit, c.size)
		}
		for v := range c.size * c.inboxes {
			if err := w.Push(&flow.Meta{}, v); err != nil {
				t.Fatal(err)
			}
		}
		for i := range c.inboxes {
			if b := <-x.Inbox(i).C; len(b.Records) != c.size {
				t.Errorf("%d lanes of %d records: a batch of %d, want %d", c.inboxes*c.writers, c.records, len(b.Records), c.size)
			}
		}
	}
}

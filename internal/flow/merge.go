package flow

import "math"

// Merge joins the branches of one task that meet again in a union: records pass as they come, time is the minimum of the branches.
type Merge[T any] struct {
	next     Pusher[T]
	control  Control
	branches []*branch[T]
	out      int64
}

type branch[T any] struct {
	merge     *Merge[T]
	watermark int64
}

// NewMerge makes a Merge that feeds next.
func NewMerge[T any](next Pusher[T], control Control) *Merge[T] {
	return &Merge[T]{next: next, control: control, out: math.MinInt64}
}

// Branch adds an input. All branches are added before the first record.
func (m *Merge[T]) Branch() (Pusher[T], Control) {
	b := &branch[T]{merge: m, watermark: math.MinInt64}
	m.branches = append(m.branches, b)
	return b, b
}

func (b *branch[T]) Push(m *Meta, v T) error { return b.merge.next.Push(m, v) }

func (b *branch[T]) Advance(w int64) error {
	b.watermark = w
	low := w
	for _, o := range b.merge.branches {
		low = min(low, o.watermark)
	}
	if low <= b.merge.out {
		return nil
	}
	b.merge.out = low
	return b.merge.control.Advance(low)
}

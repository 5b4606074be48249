package stream

import (
	"errors"
	"math"
	"time"

	"github.com/millrace/millrace/internal/flow"
	"github.com/millrace/millrace/internal/runtime"
	"github.com/millrace/millrace/watermark"
)

// AssignTimestamps gives the records new timestamps and watermarks, in place of the source's: after a Map that parsed them, for example. It belongs to the
// source's chain, where each split has its own event time; behind an exchange it is a build error, for there watermarks would depend on timing.
// Of strategy the timestamps and generators count; idleness, drift and guard are the source's.
func AssignTimestamps[T any](s DataStream[T], strategy watermark.Strategy[T], opts ...OpOption) DataStream[T] {
	j := s.out.job
	n := j.add("timestamps", opOptions(opts).name, s.out.node)
	if err := strategy.Err(); err != nil {
		j.fail(n, err)
	}
	n.detail = strategyName(strategy)
	n.shape = "timestamps; " + n.detail
	if opOptions(opts).name == "" {
		j.warn(n, "its event time is part of the state, and is kept under a name that changes with the operators before it: give it one by Name")
	}
	if s.out.node.exchanged() {
		j.fail(n, errors.New("timestamps are assigned behind an exchange, where they would depend on how splits interleave: assign them before KeyBy, Rebalance or a global window"))
	}
	out := s.out.onward(n)
	s.out.read(n, func(t *runtime.Task) (flow.Pusher[T], flow.Control) {
		next, control := out.build(t)
		o := &assignOperator[T]{next: next, control: control, stamp: strategy.Timestamp, watermark: math.MinInt64}
		if strategy.New != nil {
			o.generate = strategy.New()
		}
		t.KeepWatermark(n.uid, func() int64 { return o.watermark }, o.restore)
		return o, o
	})
	return DataStream[T]{out: out}
}

// assignOperator is one split's generator in the middle of the chain.
type assignOperator[T any] struct {
	next      flow.Pusher[T]
	control   flow.Control
	stamp     func(T) time.Time
	generate  watermark.Generator[T]
	watermark int64
	meta      flow.Meta
}

func (o *assignOperator[T]) Push(m *flow.Meta, v T) error {
	o.meta = *m
	if o.stamp != nil {
		o.meta.Timestamp = flow.Millis(o.stamp(v))
	}
	o.meta.Origin = o.watermark
	if err := o.next.Push(&o.meta, v); err != nil || o.generate == nil {
		return err
	}
	if w := min(o.generate.OnRecord(v, o.meta.Timestamp), watermark.Max-1); w > o.watermark { // the end of time itself is the end of input
		o.watermark = w
		return o.control.Advance(w)
	}
	return nil
}

func (o *assignOperator[T]) restore(w int64) error {
	o.watermark = w
	if o.generate != nil {
		o.generate.Restore(w)
	}
	return o.control.Advance(w)
}

// Advance only hears of the end of input: before it, time is this operator's own.
func (o *assignOperator[T]) Advance(w int64) error {
	if w != watermark.Max {
		return nil
	}
	o.watermark = w
	return o.control.Advance(w)
}

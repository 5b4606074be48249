package streamtest

import (
	"testing"

	"github.com/millrace/millrace/stream"
	"github.com/millrace/millrace/window"
)

// inPlace keys the one split of a harness without an exchange: every key belongs to it.
var inPlace = stream.PartitionedBy(stream.Partitioner{Name: "test", Partition: func([]byte, int32) int32 { return 0 }})

// Keyed makes a harness of a function on a keyed stream. Keys of other than basic types need New and a stream.KeyCodec.
func Keyed[K comparable, T, O any](t testing.TB, key func(T) K, fn stream.Function[stream.Keyed[K, T], O]) *Harness[T, O] {
	return New(t, func(in stream.DataStream[T]) stream.DataStream[O] {
		return stream.Process(stream.KeyByPartition(in, key, inPlace), "function", fn)
	})
}

// Windowed makes a harness of a function on the windows of a keyed stream. TakeLate has what came too late for them.
func Windowed[K comparable, T, O any](t testing.TB, key func(T) K, assigner window.Assigner, fn stream.Function[stream.Pane[K, T], O], opts ...stream.WindowOption) *Harness[T, O] {
	late := &Output[T]{}
	h := New(t, func(in stream.DataStream[T]) stream.DataStream[O] {
		windows := stream.Window(stream.KeyByPartition(in, key, inPlace), assigner, opts...)
		out := stream.Process(windows, "function", fn)
		stream.To(stream.Late(windows), "late", &late.recorder)
		return out
	})
	late.sync = h.sync
	h.late = late
	return h
}

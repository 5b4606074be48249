package streamtest

import (
	"context"
	"time"

	"github.com/millrace/millrace/internal/partitioner"
	"github.com/millrace/millrace/internal/simulation"
	"github.com/millrace/millrace/sink"
	"github.com/millrace/millrace/source"
	"github.com/millrace/millrace/state"
)

// SimulatedLog is the source of a job in a Simulation: a topic whose partitions grow while the job reads them, and whose broker is late, or away, or answers and is
// not heard.
type SimulatedLog[T any] struct{ log *simulation.Log[T] }

// NewLog is the log of that name: a slice for each partition, the same in all processes of a course.
func NewLog[T any](s *Simulation, name string, partitions [][]T) SimulatedLog[T] {
	return SimulatedLog[T]{simulation.NewLog(s.world, name, partitions)}
}

// WithCodec says how records are stored when an operator keeps them.
func (l SimulatedLog[T]) WithCodec(c state.Codec[T]) SimulatedLog[T] {
	return SimulatedLog[T]{l.log.WithCodec(c)}
}

// WithTimestamps gives each record a timestamp of its log, as a Kafka topic would; without it records have none.
func (l SimulatedLog[T]) WithTimestamps(of func(T) time.Time) SimulatedLog[T] {
	return SimulatedLog[T]{l.log.WithTimestamps(of)}
}

// Codec is what WithCodec was given, or nil.
func (l SimulatedLog[T]) Codec() state.Codec[T] { return l.log.Codec() }

// Open implements source.Source.
func (l SimulatedLog[T]) Open(ctx context.Context, env source.Env) (source.Session[T], error) {
	return l.log.Open(ctx, env)
}

func (l SimulatedLog[T]) String() string { return l.log.String() }

// Partition divides records among n partitions by their key as Java producers do, in their order: what KeyByPartition expects.
func Partition[T any](records []T, n int, key func(T) string) [][]T {
	all := make([][]T, n)
	for _, r := range records {
		p := partitioner.Murmur2([]byte(key(r)), int32(n))
		all[p] = append(all[p], r)
	}
	return all
}

// SimulatedSink is a sink of a job in a Simulation. Its calls fail before they took effect or after, and a process may crash in between.
type SimulatedSink[R any] struct{ rows *simulation.Rows[R] }

// NewTable is a table with upserts; key is a row's primary key. Its rows are compared in the end.
func NewTable[R any](s *Simulation, name string, key func(R) string) SimulatedSink[R] {
	return SimulatedSink[R]{simulation.NewTable(s.world, name, key)}
}

// NewFiles is a sink whose rows appear when their checkpoint has completed, each exactly once, as those of file sinks do. Its rows are compared without regard to
// their order.
func NewFiles[R any](s *Simulation, name string) SimulatedSink[R] {
	return SimulatedSink[R]{simulation.NewFiles[R](s.world, name)}
}

// NewEvents is a sink that only appends, as a topic without transactions, so that rows come again after a failure. Its rows are compared without regard to order
// and repetition.
func NewEvents[R any](s *Simulation, name string) SimulatedSink[R] {
	return SimulatedSink[R]{simulation.NewEvents[R](s.world, name)}
}

// WithText says how rows are written, to be compared and shown. The default is fmt's %+v, which shows where a pointer in a row points to and not what is there.
func (s SimulatedSink[R]) WithText(text func(R) string) SimulatedSink[R] {
	return SimulatedSink[R]{s.rows.WithText(text)}
}

// Rows is what the destination holds: a table's in the order of their keys.
func (s SimulatedSink[R]) Rows() []R { return s.rows.Rows() }

// Open implements sink.Sink.
func (s SimulatedSink[R]) Open(ctx context.Context, env sink.Env) (sink.Writer[R], error) {
	return s.rows.Open(ctx, env)
}

// Traits implements sink.Sink.
func (s SimulatedSink[R]) Traits() sink.Traits { return s.rows.Traits() }

func (s SimulatedSink[R]) String() string { return s.rows.String() }

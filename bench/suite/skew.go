package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"

	"github.com/millrace/millrace/sink"
	"github.com/millrace/millrace/source"
	"github.com/millrace/millrace/stream"
	"github.com/millrace/millrace/watermark"
	"github.com/millrace/millrace/window"
)

// A log of two partitions over the same half day. One has ten times the events of the other, so that a reader of both that is equally fast in both is ten times further
// in event time in the other. Each event is of a key of its own, and so its own session.
const (
	skewEvery = 20 // milliseconds between events of the full partition
	skewTimes = 10
	skewSpan  = 12 * time.Hour
	colKeys   = "keys at once"
)

func skewPart() part {
	p := part{
		name: "skew", title: "Replay of a skewed log", repeats: 3,
		about: "Two partitions over the same twelve hours of event time, one with ten times the events of the other, each event a session of its own of 30 minutes; keys by an exchange. \"Live\" reads both as they came " +
			"into being, the replay as fast as it can, with the alignment of splits in event time that is the default and without. What is counted is how many keys are in the job at once, at most.",
		columns: []string{colRate, colKeys, colPeak}, chart: colKeys,
	}
	for _, v := range []struct{ name, mode string }{{"Millrace, live", "live"}, {"Millrace, replay", "replay"}, {"Millrace, replay, splits not aligned", "apart"}} {
		p.variants = append(p.variants, variant{name: v.name, run: func(ctx context.Context, b *bench) (Sample, error) {
			program, err := os.Executable()
			if err != nil {
				return Sample{}, err
			}
			w := newSkew(b.scale)
			var got inJob
			s, err := child(ctx, "", &got, program, "skew", "--mode", v.mode, fmt.Sprint("--span=", w.span))
			if err != nil {
				return s, err
			}
			if want := w.events(0) + w.events(1); got.Rows != want {
				return s, fmt.Errorf("the answer is wrong: %d sessions, want %d", got.Rows, want)
			}
			s.Events, s.Phase = got.Rows, got.Phase
			s.Values = map[string]float64{colKeys: float64(got.Most)}
			return s, nil
		}})
	}
	return p
}

// skew is a run over the log.
type skew struct {
	mode string
	span time.Duration
}

func newSkew(scale float64) skew {
	return skew{span: max(time.Hour, time.Duration(float64(skewSpan)*scale))}
}

// every is a partition's time between events, in milliseconds.
func (w skew) every(partition int32) int64 {
	if partition == 0 {
		return skewEvery
	}
	return skewEvery * skewTimes
}

func (w skew) events(partition int32) int64 { return w.span.Milliseconds() / w.every(partition) }

func skewCommand() *cobra.Command {
	var w skew
	cmd := &cobra.Command{Use: "skew", Hidden: true, Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error { return w.run(cmd.Context(), cmd.OutOrStdout()) }}
	cmd.Flags().StringVar(&w.mode, "mode", "replay", "live, replay or apart")
	cmd.Flags().DurationVar(&w.span, "span", skewSpan, "event time of the log")
	return cmd
}

// inJob follows how many keys are in the job.
type inJob struct {
	Rows  int64   `json:"rows"`
	Most  int64   `json:"most"`
	Phase float64 `json:"phase_s"`
	now   atomic.Int64
	mu    sync.Mutex
}

func (n *inJob) in(at int64) int64 {
	if now := n.now.Add(1); now > atomic.LoadInt64(&n.Most) {
		atomic.StoreInt64(&n.Most, now) // a count that another task makes larger meanwhile may be missed: by one
	}
	return at
}

func (w skew) run(ctx context.Context, out io.Writer) error {
	job := stream.NewJob("skew", stream.DefaultParallelism(2), stream.StatusEvery(0), stream.Logger(slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))))
	strategy := watermark.BoundedOutOfOrderness(time.Second, func(at int64) time.Time { return time.UnixMilli(at / skewTimes) })
	if w.mode == "apart" {
		strategy = strategy.WithMaxDrift(-1)
	}
	keys := new(inJob)
	from := stream.Map(stream.From(job, "events", &skewed{skew: w}, strategy), keys.in)
	sessions := stream.Reduce(stream.Window(stream.KeyBy(from, func(at int64) int64 { return at }), window.EventTimeSession(30*time.Minute)), "sessions", func(_, at int64) int64 { return at })
	stream.To(sessions, "rows", keys)
	began := time.Now()
	if err := job.Run(ctx); err != nil {
		return err
	}
	keys.Phase = time.Since(began).Seconds()
	return tell(out, keys)
}

func (n *inJob) Open(context.Context, sink.Env) (sink.Writer[int64], error) { return n, nil }
func (n *inJob) Traits() sink.Traits                                        { return sink.Traits{} }
func (n *inJob) String() string                                             { return "rows" }
func (n *inJob) Close() error                                               { return nil }
func (n *inJob) Write(_ context.Context, rows []sink.Row[int64]) error {
	n.now.Add(-int64(len(rows)))
	n.mu.Lock()
	n.Rows += int64(len(rows))
	n.mu.Unlock()
	return nil
}

// skewed is the source of both partitions. An event is its time in tenths of a millisecond, of which the last digit is the partition, so that no two are the same.
type skewed struct {
	skew
	read [2]atomic.Int64 // how far each partition is, in milliseconds
}

func (s *skewed) Open(context.Context, source.Env) (source.Session[int64], error) { return s, nil }
func (s *skewed) String() string                                                  { return "events" }
func (s *skewed) Close() error                                                    { return nil }
func (s *skewed) Splits(context.Context) (splits []source.Split, err error) {
	for p := range int32(2) {
		splits = append(splits, source.Split{ID: fmt.Sprint(p), Topic: "events", Partition: p, Partitions: 2, Stop: s.events(p)})
	}
	return splits, nil
}

func (s *skewed) Reader(_ context.Context, split source.Split, at int64) (source.Reader[int64], error) {
	return &skewedReader{skewed: s, partition: split.Partition, at: at, stop: split.Stop}, nil
}

type skewedReader struct {
	*skewed
	partition int32
	at, stop  int64
}

// Fetch reads 200 events; live, no event comes before those of the other partition up to then.
func (r *skewedReader) Fetch(ctx context.Context) (source.Chunk[int64], error) {
	if r.at >= r.stop {
		r.read[r.partition].Store(r.span.Milliseconds())
		return nil, source.EOF
	}
	begin := r.at * r.every(r.partition)
	r.read[r.partition].Store(begin)
	for r.mode == "live" && r.read[1-r.partition].Load() < begin-200*r.every(r.partition) {
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-time.After(50 * time.Microsecond):
		}
	}
	every := r.every(r.partition)
	c := &made{r.at, min(r.stop, r.at+200), func(at int64) int64 { return at*every*skewTimes + int64(r.partition) }}
	r.at = c.end
	return c, nil
}

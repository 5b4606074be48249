package metamorphic

import (
	"io"
	"log/slog"
	"time"

	"github.com/millrace/millrace/internal/oracle"
	"github.com/millrace/millrace/sink"
	sinkmemory "github.com/millrace/millrace/sink/memory"
	"github.com/millrace/millrace/source"
	"github.com/millrace/millrace/source/limit"
	"github.com/millrace/millrace/state"
	"github.com/millrace/millrace/stream"
	"github.com/millrace/millrace/watermark"
	"github.com/millrace/millrace/window"
)

// outboxes are a job's sinks.
type outboxes struct {
	results, hours outbox[row]
	late           outbox[event]
	bad            outbox[int64]
	future         outbox[event]
	system         sinkmemory.System // has the transactions, if any
}

func (p plan) outboxes() *outboxes {
	b := &outboxes{}
	b.results.upserts, b.hours.upserts = true, true
	b.results.committing, b.hours.committing, b.late.committing = p.Committing, p.Committing, p.Committing
	if p.Transacted {
		b.results.exact, b.hours.exact = sinkmemory.NewTransacted[sink.Row[row]](&b.system), sinkmemory.NewTransacted[sink.Row[row]](&b.system)
		b.late.exact, b.future.exact = sinkmemory.NewTransacted[sink.Row[event]](&b.system), sinkmemory.NewTransacted[sink.Row[event]](&b.system)
		b.bad.exact = sinkmemory.NewTransacted[sink.Row[int64]](&b.system)
	}
	return b
}

// failWhen has all sinks ask f.
func (b *outboxes) failWhen(f func() error) {
	b.results.failWhen(f)
	b.hours.failWhen(f)
	b.late.failWhen(f)
	b.bad.failWhen(f)
	b.future.failWhen(f)
	if f == nil {
		b.system.FailWhen(nil)
		return
	}
	b.system.FailWhen(func(sinkmemory.Call) error { return f() })
}

var quiet = slog.New(slog.NewTextHandler(io.Discard, nil))

// job builds the plan's job.
func (p plan) job(s setting, src *feed, b *outboxes, opts ...stream.JobOption) *stream.Job {
	job := stream.NewJob("metamorphic", append([]stream.JobOption{
		stream.DefaultParallelism(s.Parallelism), stream.BatchSize(s.Batch), stream.BufferTimeout(s.Buffer), stream.MemoryBudget(s.Memory),
		stream.CheckpointEvery(s.Checkpoint), stream.Logger(quiet), stream.StatusEvery(0), stream.RateLimit(s.limiter()), stream.SinkBatches(max(1, s.Grow)),
	}, opts...)...)
	if p.Flaw == shortBound {
		p.Bound--
	}
	if p.Flaw == shortGap {
		p.Gap--
	}
	bounded := watermark.BoundedOutOfOrderness(time.Duration(p.Bound)*time.Millisecond, eventTime)
	strategy := bounded
	if p.Assign {
		strategy.New, strategy.Name = nil, "none"
	}
	all := p.source(job, "log", src.half(p.Union, 0), strategy, bounded, b)
	if p.Union {
		all = stream.Union(all, p.source(job, "other log", src.half(true, 1), strategy, bounded, b))
	}
	if p.Spread > 0 {
		same := stream.Map(all, func(e event) event { return e }, stream.Parallelism(p.Spread))
		all = stream.WithCodec(same, src.codec)
	}
	for range s.Chained {
		all = stream.WithCodec(stream.Map(all, func(e event) event { return e }), src.codec)
	}
	var keyed stream.KeyedStream[string, event]
	switch {
	case p.Keying == local:
		keyed = stream.KeyByPartition(all, keyOf)
	case p.Keying == oneSplit && p.Flaw != undeclared:
		keyed = stream.KeyBy(all, keyOf, stream.OneSplitPerKey())
	default:
		keyed = stream.KeyBy(all, keyOf)
	}
	if p.Function == ticks {
		rows := stream.Process(keyed, "ticks", stream.PerTask[stream.Keyed[string, event], row](func() *ticking { return &ticking{} }))
		stream.To(rows, "results", b.results.sink())
		return job
	}
	lateness := time.Duration(p.Lateness) * time.Millisecond
	options := []stream.WindowOption{stream.AllowedLateness(lateness)}
	if p.Strict {
		options = append(options, stream.StrictLateness())
	}
	windows := stream.Window(keyed, p.assigner(), options...)
	results := p.results(windows)
	for range s.Chained {
		results = stream.Filter(results, func(row) bool { return true })
	}
	stream.To(stream.Late(windows), "late", b.late.sink())
	stream.To(results, "results", b.results.sink())
	if p.Hourly {
		hours := stream.Window(stream.All(results), window.Tumbling(time.Hour), stream.AllowedLateness(lateness))
		stream.To(stream.Aggregate(hours, "hours", hourly{}), "hours sink", b.hours.sink())
	}
	return job
}

// limiter has the job emit s.Rate, from the beginning or once its sinks are found to be slow.
func (s setting) limiter() *limit.Limiter {
	if s.Rate == 0 || !s.Governed {
		return limit.New(limit.Rate{Events: float64(s.Rate)})
	}
	g, err := limit.NewGovernor(limit.Adaptive{Target: 1, Interval: time.Millisecond, Floor: float64(s.Rate)})
	if err != nil {
		panic(err) // the seed cannot matter to it
	}
	return limit.New(limit.Rate{}).Govern(g)
}

// source is a source with event time, and sinks for what is wrong in it.
func (p plan) source(job *stream.Job, name string, src *feed, strategy, assigned watermark.Strategy[event], b *outboxes) stream.DataStream[event] {
	s := stream.From[event](job, name, src, strategy)
	if p.Junk > 0 {
		stream.To(stream.Map(stream.DeadLetters(s), func(e *source.DecodeError) int64 { return e.Raw.Offset }), name+" undecodable", b.bad.sink())
		stream.To(stream.Quarantined(s), name+" far future", b.future.sink())
	}
	if !p.Assign {
		return s
	}
	same := stream.Map(s, func(e event) event { return e })
	return stream.WithCodec(stream.AssignTimestamps(same, assigned), src.codec)
}

func (p plan) assigner() window.Assigner {
	ms := func(n int64) time.Duration { return time.Duration(n) * time.Millisecond }
	switch {
	case p.Gap > 0:
		return window.EventTimeSession(ms(p.Gap))
	case p.Slide > 0:
		return window.Sliding(ms(p.Size), ms(p.Slide))
	}
	return window.Tumbling(ms(p.Size)).WithOffset(ms(p.Offset))
}

func (p plan) results(w stream.WindowedStream[string, event]) stream.DataStream[row] {
	switch p.Function {
	case process:
		return stream.Process(w, "windows", tallying{})
	case aggregate:
		return stream.Aggregate(w, "windows", totals{})
	}
	reduced := stream.Reduce(w, "windows", func(a, b event) event {
		a.tally = a.add(b.tally)
		return a
	})
	return stream.Process(reduced, "rows", placing{p.Params})
}

// tallying reads windows as a whole.
type tallying struct{}

func (tallying) Process(_ *stream.Context, p stream.Pane[string, event], out *stream.Collector[row]) error {
	var t tally
	for _, e := range p.Elements {
		t = t.add(e.tally)
	}
	out.Emit(row{p.Key, p.Window.Start, p.Window.End, t})
	return nil
}

// totals folds a window's events.
type totals struct{}

func (totals) New() tally                                        { return tally{} }
func (totals) Add(a tally, e event) tally                        { return a.add(e.tally) }
func (totals) Merge(a, b tally) tally                            { return a.add(b) }
func (totals) Result(k string, w window.TimeWindow, a tally) row { return row{k, w.Start, w.End, a} }
func (totals) Codec() state.Codec[tally]                         { return tallyCodec }

// placing finds the window of a reduced event by the time that the result carries.
type placing struct{ of oracle.Params }

func (f placing) Process(ctx *stream.Context, e event, out *stream.Collector[row]) error {
	r := row{Key: e.Key, Start: e.First, End: ctx.Timestamp().UnixMilli() + 1, tally: e.tally}
	if f.of.Size > 0 {
		r.Start = r.End - f.of.Size
	}
	out.Emit(r)
	return nil
}

func (f placing) Retract(ctx *stream.Context, e event, out *stream.Collector[row]) error {
	return f.Process(ctx, e, out)
}

// hourly counts results, and the events in them.
type hourly struct{}

func (hourly) New() tally { return tally{} }
func (hourly) Add(a tally, r row) tally {
	return tally{Count: a.Count + 1, Sum: a.Sum + r.Sum, Last: a.Last + r.Count}
}
func (hourly) Merge(a, b tally) tally {
	return tally{Count: a.Count + b.Count, Sum: a.Sum + b.Sum, Last: a.Last + b.Last}
}
func (hourly) Retract(a tally, r row) tally {
	return tally{Count: a.Count - 1, Sum: a.Sum - r.Sum, Last: a.Last - r.Count}
}
func (hourly) Result(_ struct{}, w window.TimeWindow, a tally) row {
	return row{"all", w.Start, w.End, a}
}
func (hourly) Codec() state.Codec[tally] { return tallyCodec }

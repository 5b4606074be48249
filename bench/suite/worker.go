package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/pprof"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/proto"

	"github.com/millrace/millrace/codec"
	pb "github.com/millrace/millrace/examples/clickstream/clickstreampb"
	"github.com/millrace/millrace/sink"
	"github.com/millrace/millrace/source"
	"github.com/millrace/millrace/source/file"
	"github.com/millrace/millrace/source/kafka"
	"github.com/millrace/millrace/state/memory"
	"github.com/millrace/millrace/stream"
	"github.com/millrace/millrace/watermark"
	"github.com/millrace/millrace/window"
)

// work says what a process of our own is to do.
type work struct {
	brokers, topic string // either these
	files          string // or these, comma-separated
	decode         string
	state          string
	exchange, hand bool
	checkpoint     time.Duration
	dir            string
	gc, procs      int
	profile        string
	begun, memory  int64
}

func workerCommand() *cobra.Command {
	var w work
	cmd := &cobra.Command{
		Use: "worker", Hidden: true, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return w.run(cmd.Context(), cmd.OutOrStdout()) },
	}
	f := cmd.Flags()
	f.StringVar(&w.brokers, "brokers", "", "broker")
	f.StringVar(&w.topic, "topic", "", "topic")
	f.StringVar(&w.files, "files", "", "files instead of a topic")
	f.StringVar(&w.decode, "decode", "aliased", "google, vt, aliased or reused (aliased, and all into one message)")
	f.StringVar(&w.state, "state", "pebble", "pebble or memory")
	f.StringVar(&w.dir, "dir", "", "directory of the state; \"\" for state in memory alone")
	f.BoolVar(&w.exchange, "exchange", false, "key by an exchange and not in place")
	f.BoolVar(&w.hand, "hand", false, "by hand and without the engine")
	f.DurationVar(&w.checkpoint, "checkpoint", 10*time.Second, "interval of checkpoints")
	f.IntVar(&w.gc, "gc", 0, "GOGC")
	f.StringVar(&w.profile, "cpuprofile", "", "file for a profile of the processor's time")
	f.Int64Var(&w.memory, "memory", 0, "the job's memory in bytes; 0 for the default")
	f.Int64Var(&w.begun, "begun", 0, "when the process was started, in nanoseconds since 1970")
	f.IntVar(&w.procs, "procs", 0, "GOMAXPROCS; 0 for the machine's cores")
	return cmd
}

// told is what a worker says.
type told struct {
	answer
	Phase float64 `json:"phase_s"`
	First float64 `json:"first_ms,omitempty"` // from the start of the process to the first row, where it was told when that was
}

func (w work) run(ctx context.Context, out io.Writer) error {
	if w.gc > 0 {
		debug.SetGCPercent(w.gc)
	}
	if w.procs > 0 {
		runtime.GOMAXPROCS(w.procs)
	}
	stop, err := profiled(w.profile)
	if err != nil {
		return err
	}
	defer stop()
	began := time.Now()
	src, err := w.source()
	if err != nil {
		return err
	}
	compute := w.engine
	switch {
	case w.hand && w.exchange:
		compute = exchangeByHand
	case w.hand:
		compute = byHand
	}
	sum, err := compute(ctx, src)
	if err != nil {
		return err
	}
	said := told{answer: sum.answer(), Phase: time.Since(began).Seconds()}
	if w.begun > 0 {
		said.First = float64(sum.row.UnixNano()-w.begun) / 1e6
	}
	return tell(out, said)
}

// profiled writes a profile of the processor's time from now until stop is called; without a path it does nothing.
func profiled(path string) (stop func(), err error) {
	if path == "" {
		return func() {}, nil
	}
	f, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return func() {
		pprof.StopCPUProfile()
		if err := f.Close(); err != nil {
			fmt.Fprintln(os.Stderr, "suite: profile:", err)
		}
	}, nil
}

func (w work) source() (source.Source[*pb.ClickEvent], error) {
	var dec source.Decoder[*pb.ClickEvent]
	switch w.decode {
	case "google":
		dec = google{}
	case "vt":
		dec = codec.Proto[*pb.ClickEvent]()
	case "reused":
		dec = codec.Proto[*pb.ClickEvent](codec.Aliased(), codec.Reused())
	case "aliased":
		dec = codec.Proto[*pb.ClickEvent](codec.Aliased())
	default:
		return nil, fmt.Errorf("--decode is %q, want google, vt, aliased or reused", w.decode)
	}
	if w.files != "" {
		return file.Delimited(dec, strings.Split(w.files, ",")...), nil
	}
	return kafka.Source([]string{w.brokers}, w.topic, dec, kafka.UntilEnd()), nil
}

// google decodes with the standard protobuf library, as a message without generated fast paths is.
type google struct{}

func (google) DecodeRecord(r *source.Raw) (*pb.ClickEvent, error) {
	e := new(pb.ClickEvent)
	return e, proto.Unmarshal(r.Value, e)
}

func (w work) engine(ctx context.Context, src source.Source[*pb.ClickEvent]) (total, error) {
	opts := []stream.JobOption{
		stream.DefaultParallelism(2), stream.CheckpointEvery(w.checkpoint), stream.StatusEvery(0),
		stream.Logger(slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))),
	}
	if w.dir != "" {
		opts = append(opts, stream.StateDir(w.dir))
	}
	if w.memory > 0 {
		opts = append(opts, stream.MemoryBudget(w.memory))
	}
	if w.state == "memory" {
		opts = append(opts, stream.Backend(memory.Backend()))
	}
	job := stream.NewJob("clickstream", opts...)
	from := stream.From(job, "clicks", src, watermark.BoundedOutOfOrderness(time.Minute, func(e *pb.ClickEvent) time.Time { return time.UnixMilli(e.EventTimestamp) }))
	byUser := stream.KeyByPartition(from, (*pb.ClickEvent).GetUserId)
	if w.exchange {
		byUser = stream.KeyBy(from, (*pb.ClickEvent).GetUserId, stream.OneSplitPerKey())
	}
	sums := new(adder)
	stream.To(stream.Aggregate(stream.Window(byUser, window.EventTimeSession(30*time.Minute)), "sessions", aggregate{}), "sums", sums)
	err := job.Run(ctx)
	return sums.total, err
}

// adder is a sink that adds up the rows.
type adder struct {
	mu sync.Mutex
	total
}

func (a *adder) Open(context.Context, sink.Env) (sink.Writer[session], error) { return adding{a}, nil }
func (a *adder) Traits() sink.Traits                                          { return sink.Traits{} }
func (a *adder) String() string                                               { return "sums" }

type adding struct{ into *adder }

func (a adding) Close() error { return nil }
func (a adding) Write(_ context.Context, rows []sink.Row[session]) error {
	var t total
	for i := range rows {
		t.add(&rows[i].Value)
	}
	a.into.mu.Lock()
	if a.into.row.IsZero() {
		a.into.row = time.Now()
	}
	a.into.merge(t)
	a.into.mu.Unlock()
	return nil
}

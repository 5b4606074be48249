//go:build integration

package chaos

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/millrace/millrace/codec"
	"github.com/millrace/millrace/internal/oracle"
	"github.com/millrace/millrace/source"
	"github.com/millrace/millrace/source/kafka"
	"github.com/millrace/millrace/source/limit"
	"github.com/millrace/millrace/state"
	memorystate "github.com/millrace/millrace/state/memory"
	pebblestate "github.com/millrace/millrace/state/pebble"
	"github.com/millrace/millrace/stream"
	"github.com/millrace/millrace/watermark"
	"github.com/millrace/millrace/window"
)

// jobSpec is all that a process is told. What results depend on stays the same for all processes of a log.
type jobSpec struct {
	Brokers, Topic, Group string
	Dir                   string // of the state, and of sinks that are files
	Name                  string // of the sink's tables and topics
	DSN                   string
	Sink                  string
	Backend               string
	Local                 bool // keyed in place; else behind an exchange, with a second stage
	LatenessMs            int64

	CheckpointMs, Rate int64
	Follow             bool // the job does not end with the log: it is to be killed
	Parallelism        int
}

const (
	gap      = 30 * time.Minute
	bound    = time.Minute
	hour     = int64(time.Hour / time.Millisecond)
	tellEach = 5 * time.Millisecond
)

// progress is what a process says of itself, a line of JSON each time.
type progress struct {
	Start, At, End int64 // summed over the partitions
	Checkpoints    int64
	Restarts       int64 // from the last checkpoint, within the process
	CommitsFailed  int64 // of consumer group offsets
	Ledger         stream.Ledger
}

// runJob is the process: it computes sessions, late events and, behind an exchange, hourly counts, until the end of the log.
func runJob(text string) error {
	var s jobSpec
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		return err
	}
	job, err := s.job()
	if err != nil {
		return err
	}
	ctx, ended := context.WithCancel(context.Background())
	told := make(chan struct{})
	go func() {
		defer close(told)
		tell(ctx, job)
	}()
	err = job.Run(ctx)
	ended()
	<-told
	return err
}

// tell says how far the job is, until ctx is done and then once more.
func tell(ctx context.Context, job *stream.Job) {
	enc := json.NewEncoder(os.Stdout)
	tick := time.NewTicker(tellEach)
	defer tick.Stop()
	for more := true; more; {
		select {
		case <-tick.C:
		case <-ctx.Done():
			more = false
		}
		p := progress{Checkpoints: job.Count("checkpoints"), Restarts: job.Count("restarts"), CommitsFailed: job.Count("offset_commits_failed")}
		status := job.Status()
		p.Ledger = status.Ledger
		for _, s := range status.Splits {
			p.Start, p.At, p.End = p.Start+s.StartPosition, p.At+s.Position, p.End+s.Stop
		}
		if err := enc.Encode(p); err != nil {
			return // nobody listens any more
		}
	}
}

func (s jobSpec) job() (*stream.Job, error) {
	sinks, err := s.sinks()
	if err != nil {
		return nil, err
	}
	backends := map[string]state.Backend{"pebble": pebblestate.Backend(), "memory": memorystate.Backend()}
	job := stream.NewJob(s.Name, stream.StateDir(s.Dir+"/state"), stream.Backend(backends[s.Backend]), stream.MemoryBudget(4<<20),
		stream.CheckpointEvery(time.Duration(s.CheckpointMs)*time.Millisecond), stream.DefaultParallelism(s.Parallelism),
		stream.RateLimit(limit.New(limit.Rate{Events: float64(s.Rate)})), stream.Restart(stream.ExponentialDelay(50*time.Millisecond, time.Second, time.Minute)),
		stream.StatusEvery(time.Second), stream.Logger(slog.New(slog.NewTextHandler(os.Stderr, nil))))
	options := []kafka.Option{kafka.Group(s.Group), kafka.FetchBytes(64 << 10)}
	if !s.Follow {
		options = append(options, kafka.UntilEnd())
	}
	clicks := kafka.Source(strings.Split(s.Brokers, ","), s.Topic, clicksOf, options...)
	events := stream.From(job, "clicks", clicks, watermark.BoundedOutOfOrderness(bound, func(e oracle.Event) time.Time { return time.UnixMilli(e.Timestamp) }))
	userOf := func(e oracle.Event) string { return e.Key }
	var users stream.KeyedStream[string, oracle.Event]
	if s.Local {
		users = stream.KeyByPartition(events, userOf)
	} else {
		users = stream.KeyBy(events, userOf, stream.OneSplitPerKey())
	}
	lateness := stream.AllowedLateness(time.Duration(s.LatenessMs) * time.Millisecond)
	windows := stream.Window(users, window.EventTimeSession(gap), lateness)
	sessions := stream.Process(windows, "sessions", visits{})
	stream.To(stream.Map(sessions, sessionRow), "sessions sink", sinks[sessionsOut])
	stream.To(stream.Process(stream.Late(windows), "late", lateClicks{}), "late sink", sinks[lateOut])
	if !s.Local {
		hours := stream.Window(stream.All(sessions), window.Tumbling(time.Hour), lateness)
		stream.To(stream.Aggregate(hours, "hours", hourly{}), "hours sink", sinks[hoursOut])
	}
	return job, nil
}

// visits makes a session of a window.
type visits struct{}

func (visits) Process(_ *stream.Context, p stream.Pane[string, oracle.Event], out *stream.Collector[oracle.SessionRow]) error {
	records := make([]oracle.Record, len(p.Elements))
	for i, e := range p.Elements {
		records[i].Event = e
	}
	out.Emit(oracle.Session(p.Key, records))
	return nil
}

// lateClicks names what came too late by its place in the log.
type lateClicks struct{}

func (lateClicks) Process(ctx *stream.Context, e oracle.Event, out *stream.Collector[row]) error {
	split, offset := ctx.Position()
	_, partition, _ := strings.Cut(split, "/")
	out.Emit(row{Key: fmt.Sprintf("%s/%d", partition, offset), Value: fmt.Sprintf("%d %s", e.Timestamp, e.Key)})
	return nil
}

// hourly counts the sessions that ended in an hour, and the events in them.
type hourly struct{}

// counts are an hour's.
type counts struct{ Sessions, Events int64 }

func (hourly) New() counts { return counts{} }
func (hourly) Add(a counts, s oracle.SessionRow) counts {
	return counts{a.Sessions + 1, a.Events + s.Events}
}
func (hourly) Retract(a counts, s oracle.SessionRow) counts {
	return counts{a.Sessions - 1, a.Events - s.Events}
}
func (hourly) Merge(a, b counts) counts {
	return counts{a.Sessions + b.Sessions, a.Events + b.Events}
}
func (hourly) Result(_ struct{}, w window.TimeWindow, a counts) row { return hourRow(w.Start, a) }
func (hourly) Codec() state.Codec[counts]                           { return codec.JSON[counts](1) }

// clickCodec is an event as a record's value, and in the state.
type clickCodec struct{ codec.FuncCodec[oracle.Event] }

// DecodeRecord implements source.Decoder.
func (c clickCodec) DecodeRecord(r *source.Raw) (oracle.Event, error) { return c.Decode(r.Value) }

var clicksOf = clickCodec{codec.Func("click/1", func(dst []byte, e oracle.Event) ([]byte, error) {
	dst = binary.AppendVarint(dst, e.Timestamp)
	dst = binary.AppendUvarint(dst, uint64(len(e.Kind)))
	return append(append(dst, e.Kind...), e.Key...), nil
}, func(src []byte) (e oracle.Event, err error) {
	at, n := binary.Varint(src)
	if n <= 0 {
		return e, errors.New("no timestamp")
	}
	src = src[n:]
	kind, n := binary.Uvarint(src)
	if n <= 0 || uint64(len(src)-n) < kind {
		return e, errors.New("no kind")
	}
	src = src[n:]
	return oracle.Event{Timestamp: at, Kind: string(src[:kind]), Key: string(src[kind:])}, nil
})}

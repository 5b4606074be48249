package stream_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/codec"
	"github.com/millrace/millrace/internal/oracle"
	sinkmemory "github.com/millrace/millrace/sink/memory"
	"github.com/millrace/millrace/source"
	"github.com/millrace/millrace/source/memory"
	"github.com/millrace/millrace/state"
	memorystate "github.com/millrace/millrace/state/memory"
	pebblestate "github.com/millrace/millrace/state/pebble"
	"github.com/millrace/millrace/stream"
	"github.com/millrace/millrace/watermark"
)

// event is a click with its place in the log, so that late records can be named.
type event struct {
	User      string
	Kind      string
	At        int64
	Partition int
	Offset    int64
}

var eventCodec = codec.JSON[event](1)

func eventTime(e event) time.Time { return time.UnixMilli(e.At) }
func userOf(e event) string       { return e.User }

// shape is one way to run the job.
type shape struct {
	local       bool
	parallelism int
	batch       int
	backend     state.Backend
	memory      int64
	chunk       int
}

func (s shape) String() string {
	how := "exchanged"
	if s.local {
		how = "local"
	}
	return fmt.Sprintf("%s-p%d-batch%d-%s-mem%d-chunk%d", how, s.parallelism, s.batch, s.backend, s.memory>>20, s.chunk)
}

// run is the session job over a log in memory.
type sessionRun struct {
	job      *stream.Job
	clicks   stream.DataStream[event]
	sessions *sinkmemory.Table[string, oracle.SessionRow]
	late     *sinkmemory.List[event]
}

type analytics struct{ gap time.Duration }

func (a analytics) Process(_ *stream.Context, p stream.Pane[string, event], out *stream.Collector[oracle.SessionRow]) error {
	events := make([]oracle.Record, len(p.Elements))
	for i, e := range p.Elements {
		events[i].Event = oracle.Event{Key: e.User, Timestamp: e.At, Kind: e.Kind}
	}
	row := oracle.Session(p.Key, events)
	if row.Start != p.Window.Start || row.End != p.Window.End-a.gap.Milliseconds() {
		return fmt.Errorf("window %s of %s holds events from %d to %d", p.Window, p.Key, row.Start, row.End)
	}
	out.Emit(row)
	return nil
}

func quiet() *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }

func sessionJob(t testing.TB, src source.Source[event], s shape, gap, bound, lateness time.Duration, opts ...stream.JobOption) sessionRun {
	if s.memory == 0 {
		s.memory = 64 << 20
	}
	job := stream.NewJob("sessions", append([]stream.JobOption{
		stream.Backend(s.backend), stream.BatchSize(s.batch), stream.MemoryBudget(s.memory), stream.CheckpointEvery(5 * time.Millisecond),
		stream.DefaultParallelism(max(1, s.parallelism)), stream.Logger(quiet()),
	}, opts...)...)
	clicks := stream.From(job, "clicks", src, watermark.BoundedOutOfOrderness(bound, eventTime))
	var keyed stream.KeyedStream[string, event]
	if s.local {
		keyed = stream.KeyByPartition(clicks, userOf)
	} else {
		keyed = stream.KeyBy(clicks, userOf, stream.OneSplitPerKey())
	}
	windows := stream.DynamicSessions(keyed, "fixed", func(event) time.Duration { return gap }, stream.AllowedLateness(lateness))
	results := stream.Process(windows, "analytics", analytics{gap})
	r := sessionRun{
		job:      job,
		clicks:   clicks,
		sessions: sinkmemory.NewTable(sessionKey),
		late:     &sinkmemory.List[event]{},
	}
	stream.To(results, "sessions", r.sessions)
	stream.To(stream.Late(windows), "late", r.late)
	return r
}

// sessionKey has the end in it: a late record may begin a session where one began that was cleaned up before.
func sessionKey(s oracle.SessionRow) string { return fmt.Sprint(s.UserID, s.Start, s.End) }

func (r sessionRun) rows() []oracle.SessionRow {
	rows := r.sessions.Rows()
	oracle.SortSessions(rows)
	return rows
}

func (r sessionRun) lateRows() []oracle.LateRow {
	var rows []oracle.LateRow
	for _, e := range r.late.Rows() {
		rows = append(rows, oracle.LateRow{UserID: e.User, Timestamp: e.At, Partition: e.Partition, Offset: e.Offset})
	}
	sortLate(rows)
	return rows
}

func sortLate(rows []oracle.LateRow) {
	slices.SortFunc(rows, func(a, b oracle.LateRow) int {
		if a.Partition != b.Partition {
			return a.Partition - b.Partition
		}
		return int(a.Offset - b.Offset)
	})
}

// events lays a log out as memory splits.
func events(log oracle.Log) [][]event {
	var splits [][]event
	for p, part := range log {
		split := make([]event, len(part))
		for i, e := range part {
			split[i] = event{e.Key, e.Kind, e.Timestamp, p, int64(i)}
		}
		splits = append(splits, split)
	}
	return splits
}

var shapes = []shape{
	{local: true, batch: 512, backend: memorystate.Backend(), chunk: 1000},
	{local: true, batch: 7, backend: pebblestate.Backend(), chunk: 13, memory: 1 << 20},
	{parallelism: 1, batch: 512, backend: memorystate.Backend(), chunk: 1000},
	{parallelism: 3, batch: 16, backend: pebblestate.Backend(), chunk: 100, memory: 1 << 20},
	{parallelism: 8, batch: 1, backend: memorystate.Backend(), chunk: 37},
}

const testdata = "../internal/oracle/testdata"

func TestHardData(t *testing.T) {
	clicks, err := oracle.ReadFile(filepath.Join(testdata, "hard.jsonl.gz"), oracle.ReadClicks)
	require.NoError(t, err)
	for _, partitions := range []int{1, 4} {
		log := oracle.Split(slices.Values(clicks), partitions)
		for _, minutes := range []int{0, 10} {
			name := fmt.Sprintf("%dp-lateness%dm", partitions, minutes)
			want, err := oracle.ReadFile(filepath.Join(testdata, "hard-sessions-"+name+".csv.gz"), oracle.ReadSessions)
			require.NoError(t, err)
			wantLate, err := oracle.ReadFile(filepath.Join(testdata, "hard-late-"+name+".csv.gz"), oracle.ReadLate)
			require.NoError(t, err)
			oracle.SortSessions(want)
			sortLate(wantLate)
			for _, s := range shapes {
				t.Run(name+"/"+s.String(), func(t *testing.T) {
					src := memory.Splits(events(log)).WithCodec(eventCodec).WithChunkSize(s.chunk)
					r := sessionJob(t, src, s, 30*time.Minute, time.Minute, time.Duration(minutes)*time.Minute)
					require.NoError(t, r.job.Run(context.Background()))
					same(t, want, r.rows())
					same(t, wantLate, r.lateRows())
					require.EqualValues(t, len(wantLate), r.job.Count("late"))
				})
			}
		}
	}
}

// same fails with the first difference only.
func same[T comparable](t testing.TB, want, got []T) {
	t.Helper()
	for i := range min(len(want), len(got)) {
		if want[i] != got[i] {
			t.Fatalf("row %d of %d (want %d): got %+v, want %+v", i, len(got), len(want), got[i], want[i])
		}
	}
	if len(want) != len(got) {
		t.Fatalf("%d rows, want %d", len(got), len(want))
	}
}

package progress_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/source"
	"github.com/millrace/millrace/stream"
	"github.com/millrace/millrace/stream/progress"
)

// fakeJob says what the test has it say.
type fakeJob struct {
	mu       sync.Mutex
	status   stream.Status
	counters []stream.Sample
	run      func(context.Context) error
}

func (j *fakeJob) Run(ctx context.Context) error { return j.run(ctx) }

func (j *fakeJob) Status() stream.Status {
	j.mu.Lock()
	defer j.mu.Unlock()
	s := j.status
	s.Splits = append([]stream.SplitStatus(nil), s.Splits...)
	return s
}

func (j *fakeJob) Counters() []stream.Sample {
	j.mu.Lock()
	defer j.mu.Unlock()
	return append([]stream.Sample(nil), j.counters...)
}

// set is a job of one bounded split that has read so much, and written a row for ten records.
func (j *fakeJob) set(position, stop int64) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.status = stream.Status{Watermark: 1_700_000_000_000 + position, HeldBy: "clicks/0", Splits: []stream.SplitStatus{{
		Operator: "clicks", ID: "clicks/0", Position: position, Stop: stop, LogEnd: -1, Watermark: 1_700_000_000_000 + position, Records: position, Finished: position == stop,
	}}}
	j.counters = []stream.Sample{
		{Name: "checkpoints", Labels: []string{"unit", "job"}, Value: position / 1000},
		{Name: "late", Labels: []string{"operator", "sessions"}, Value: position / 100},
		{Name: "records_in", Labels: []string{"operator", "clicks"}, Value: position},
		{Name: "records_in", Labels: []string{"operator", "behind-the-exchange"}, Value: position},
		{Name: "rows_written", Labels: []string{"operator", "table"}, Value: position / 10},
	}
}

func start() time.Time { return time.UnixMilli(1_800_000_000_000) }

// watch runs script as the job, in a Recorder whose clock and samples the script moves by step.
func watch(t *testing.T, name, path string, job *fakeJob, script func(r *progress.Recorder, step func(time.Duration)) error) *progress.Recorder {
	t.Helper()
	c := clock.NewFake(start())
	if path != "" {
		if h, err := progress.Load(path); err == nil {
			c = clock.NewFake(h.End().Add(time.Hour))
		}
	}
	r := progress.New(name, job, progress.Clock(c), progress.Interval(1000*time.Hour), progress.File(path))
	job.run = func(context.Context) error {
		return script(r, func(d time.Duration) { c.Advance(d); r.Sample() })
	}
	err := r.Run(t.Context())
	if err != nil {
		require.Equal(t, progress.Broken, r.Now().State)
	}
	return r
}

func TestRatesAndRemainingTime(t *testing.T) {
	job := &fakeJob{}
	job.set(0, 100_000)
	r := watch(t, "replay", "", job, func(r *progress.Recorder, step func(time.Duration)) error {
		for i := range int64(10) {
			job.set(5_000*(i+1), 100_000)
			step(time.Second)
		}
		n := r.Now()
		require.Equal(t, progress.Running, n.State)
		require.InDelta(t, 5_000, n.EventsPerSecond, 1)
		require.InDelta(t, 500, n.RowsPerSecond, 1)
		require.InDelta(t, 0.5, n.Done, 1e-9)
		require.InDelta(t, 10, n.Remaining, 0.1)
		require.EqualValues(t, 50_000, n.Events, "records behind the exchange are not counted twice")
		require.EqualValues(t, 50_000, n.Lag)
		require.True(t, n.Bounded)
		require.EqualValues(t, 500, n.Totals.Late)
		require.Equal(t, "reading", n.Splits[0].State)
		require.True(t, n.Splits[0].Holds)
		require.InDelta(t, 5_000, n.Splits[0].PerSecond, 1)
		job.set(100_000, 100_000)
		step(time.Second)
		return nil
	})
	n := r.Now()
	require.Equal(t, progress.Finished, n.State)
	require.InDelta(t, 1, n.Done, 0)
	require.True(t, n.CaughtUp)
	require.EqualValues(t, 50, n.Last.Number/2)
	h := r.History()
	require.Equal(t, progress.Started, h.Marks[0].Kind)
	require.Equal(t, progress.Ended, h.Marks[len(h.Marks)-1].Kind)
	rates := h.Rates(2 * time.Second)
	require.Zero(t, rates[0].Events, "a run begins at zero")
	require.InDelta(t, 5_000, rates[1].Events, 1)
	require.InDelta(t, 27_500, rates[len(rates)-1].Events, 30_000)
}

func TestDoneNeverGoesBack(t *testing.T) {
	job := &fakeJob{}
	job.set(0, 1000)
	watch(t, "replay", "", job, func(r *progress.Recorder, step func(time.Duration)) error {
		job.set(500, 1000)
		step(time.Second)
		job.set(300, 1000) // it failed and goes on from its checkpoint
		step(time.Second)
		require.InDelta(t, 0.5, r.Now().Done, 1e-9)
		require.EqualValues(t, 700, r.Now().Lag)
		return nil
	})
}

func TestWhatIsNotKnown(t *testing.T) {
	job := &fakeJob{}
	r := progress.New("live", job)
	require.Equal(t, progress.Waiting, r.Now().State)
	job.set(10, source.Unbounded)
	job.status.Splits[0].Stop = source.ToEnd
	watch(t, "files", "", job, func(r *progress.Recorder, step func(time.Duration)) error {
		step(time.Second)
		n := r.Now()
		require.InDelta(t, -1, n.Done, 0)
		require.EqualValues(t, -1, n.Lag)
		require.InDelta(t, -1, n.Remaining, 0)
		require.InDelta(t, -1, n.LivePerSecond, 0)
		return nil
	})
}

// A job that follows the log catches up, falls to the live rate, and says how long that takes.
// A recorder that misses a job's first run, as when a replay's history is over at once, still counts from where the job began.
func TestFirstRunMissed(t *testing.T) {
	job := &fakeJob{}
	job.set(500, 1_000)
	job.status.Splits[0].StartPosition = 500
	watch(t, "replay", "", job, func(r *progress.Recorder, step func(time.Duration)) error {
		job.set(600, 1_000)
		job.status.Splits[0].StartPosition = 500
		step(time.Second)
		require.EqualValues(t, 600, r.Now().Read)
		require.InDelta(t, 0.6, r.Now().Done, 1e-9)
		return nil
	})
}

func TestFollower(t *testing.T) {
	job := &fakeJob{}
	at := func(position, end int64) {
		job.set(position, source.Unbounded)
		s := &job.status.Splits[0]
		s.StartPosition, s.From, s.LogEnd, s.Bytes, s.AtEnd = 1_000, 1_000, end, 100*(position-1_000), position == end
		job.status.Tasks = []stream.TaskStatus{{Operator: "clicks", Busy: time.Duration(position) * time.Millisecond, Blocked: time.Duration(position) * time.Millisecond / 4}}
		job.status.Sinks = []stream.SinkStatus{{Operator: "table", Writes: position / 100, WriteTime: time.Duration(position) * time.Millisecond / 20}}
	}
	at(1_000, 21_000)
	r := watch(t, "replay", "", job, func(r *progress.Recorder, step func(time.Duration)) error {
		for i := range int64(10) {
			at(1_000+1_100*(i+1), 21_000+100*(i+1))
			step(time.Second)
		}
		n := r.Now()
		require.False(t, n.Bounded)
		require.False(t, n.CaughtUp)
		require.EqualValues(t, 10_000, n.Lag)
		require.InDelta(t, 11.0/21, n.Done, 1e-9)
		require.InDelta(t, 100, n.LivePerSecond, 1)
		require.InDelta(t, 10, n.Remaining, 0.1, "the log grows meanwhile")
		require.InDelta(t, 110_000, n.BytesPerSecond, 100)
		require.InDelta(t, 0.8, n.Tasks[0].Busy, 1e-3)
		require.InDelta(t, 0.2, n.Tasks[0].Blocked, 1e-3)
		require.InDelta(t, 5, n.Sinks[0].Latency, 0.1)
		at(22_000, 22_000)
		step(time.Second)
		require.True(t, r.Now().CaughtUp)
		require.InDelta(t, 0, r.Now().Remaining, 0)
		for i := range int64(20) {
			at(22_000+100*i, 22_000+100*i)
			step(time.Second)
		}
		require.InDelta(t, 100, r.Now().EventsPerSecond, 1)
		return nil
	})
	require.Equal(t, []progress.MarkKind{progress.Started, progress.CaughtUp, progress.Ended}, kinds(r.History().Marks))
	last := r.History().Points[len(r.History().Points)-1]
	require.EqualValues(t, 2_290_000, last.Bytes)
}

// What the job reads again after a failure counts twice in events and bytes, and once in what is done.
func TestRestart(t *testing.T) {
	job := &fakeJob{}
	job.set(0, 1_000)
	r := watch(t, "replay", "", job, func(r *progress.Recorder, step func(time.Duration)) error {
		job.set(500, 1_000)
		job.status.Splits[0].Bytes = 5_000
		step(time.Second)
		job.set(400, 1_000)
		job.status.Splits[0].StartPosition, job.status.Splits[0].Bytes = 300, 1_000
		job.counters = append(job.counters, stream.Sample{Name: "restarts", Value: 1})
		step(time.Second)
		require.EqualValues(t, 600, r.Now().Lag)
		require.EqualValues(t, 6_000, r.Now().Bytes)
		return nil
	})
	require.Equal(t, []progress.MarkKind{progress.Started, progress.Restarted, progress.Ended}, kinds(r.History().Marks))
}

func TestFailure(t *testing.T) {
	job := &fakeJob{}
	job.set(0, 10)
	broken := errors.New("the table is gone")
	r := watch(t, "replay", "", job, func(*progress.Recorder, func(time.Duration)) error { return broken })
	require.Equal(t, "the table is gone", r.Now().Error)
	marks := r.History().Marks
	require.Equal(t, progress.Failed, marks[len(marks)-1].Kind)
}

func TestStopped(t *testing.T) {
	job := &fakeJob{}
	job.set(0, 10)
	ctx, cancel := context.WithCancel(t.Context())
	job.run = func(context.Context) error { cancel(); return nil }
	r := progress.New("live", job)
	require.NoError(t, r.Run(ctx))
	require.Equal(t, progress.Halted, r.Now().State)
}

// The file is read by others while the job runs, and a later process goes on with its totals.
func TestFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "history", "replay.jsonl")
	job := &fakeJob{}
	job.set(0, 10_000)
	watch(t, "replay", path, job, func(r *progress.Recorder, step func(time.Duration)) error {
		job.set(2_000, 10_000)
		step(10 * time.Second)
		seen, err := progress.Load(path)
		require.NoError(t, err)
		require.Equal(t, "replay", seen.Name)
		require.EqualValues(t, 2_000, seen.Points[len(seen.Points)-1].Events)
		return errors.New("killed")
	})
	again := &fakeJob{}
	again.set(1_000, 10_000)
	again.counters = nil // a new process counts from zero
	r := watch(t, "replay", path, again, func(r *progress.Recorder, step func(time.Duration)) error {
		again.set(3_000, 10_000)
		step(time.Second)
		return nil
	})
	require.EqualValues(t, 5_000, r.Now().Events)
	h, err := progress.Load(path)
	require.NoError(t, err)
	require.Equal(t, r.History(), h)
	gaps := 0
	for _, rate := range h.Rates(0) {
		require.GreaterOrEqual(t, rate.Events, 0.0)
		if rate.Gap {
			gaps++
			require.Zero(t, rate.Events)
		}
	}
	require.Equal(t, 1, gaps, "between processes no rate is drawn")
	require.Len(t, h.LastRun().Points, 2)
	require.Equal(t, []progress.MarkKind{progress.Started, progress.Ended}, kinds(h.LastRun().Marks))
}

func kinds(marks []progress.Mark) (out []progress.MarkKind) {
	for _, m := range marks {
		out = append(out, m.Kind)
	}
	return out
}

func TestDamagedFileIsReportedAndReplaced(t *testing.T) {
	path := filepath.Join(t.TempDir(), "replay.jsonl")
	require.NoError(t, os.WriteFile(path, []byte("{\"something\":\"else\"}\n"), 0o600))
	_, err := progress.Load(path)
	require.ErrorIs(t, err, progress.ErrFormat)
	job := &fakeJob{}
	job.set(0, 10)
	watch(t, "replay", path, job, func(r *progress.Recorder, _ func(time.Duration)) error {
		require.Contains(t, r.Now().Problem, "the earlier history is lost")
		return nil
	})
	_, err = progress.Load(path)
	require.NoError(t, err)
}

func TestFileThatCannotBeWritten(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "file"), nil, 0o600))
	job := &fakeJob{}
	job.set(0, 10)
	r := watch(t, "replay", filepath.Join(dir, "file", "replay.jsonl"), job, func(*progress.Recorder, func(time.Duration)) error { return nil })
	require.Equal(t, progress.Finished, r.Now().State)
	require.Contains(t, r.Now().Problem, "not saved")
}

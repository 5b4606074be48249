package stream_test

import (
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/internal/nightly"
	"github.com/millrace/millrace/internal/oracle"
	"github.com/millrace/millrace/source/memory"
	pebblestate "github.com/millrace/millrace/state/pebble"
	"github.com/millrace/millrace/stream"
)

// disk is a file system that fills up while the job runs, at some write that matches, and has room again when a store could not be opened a few times.
type disk struct {
	hits     func(errorfs.Op) bool
	period   int64 // of writes that match, this one finds the disk full
	writes   atomic.Int64
	armed    atomic.Bool // the job reads
	full     atomic.Bool
	refused  atomic.Int64
	failures atomic.Int64
}

func (d *disk) MaybeError(op errorfs.Op) error {
	if op.Kind.ReadOrWrite() != errorfs.OpIsWrite || op.Kind == errorfs.OpRemove {
		return nil
	}
	if d.armed.Load() && d.hits(op) && d.writes.Add(1)%d.period == 0 {
		d.full.Store(true)
	}
	if !d.full.Load() {
		return nil
	}
	d.armed.Store(false)
	if strings.HasSuffix(op.Path, "TRIAL") && d.refused.Add(1)%3 == 0 {
		d.full.Store(false)
		return nil
	}
	if d.failures.Add(1)%40 == 0 { // a store that did not fail is not opened again
		d.full.Store(false)
	}
	return &fullError{op.Path}
}

func (d *disk) String() string { return "disk" }

type fullError struct{ path string }

func (e *fullError) Error() string { return e.path + ": " + syscall.ENOSPC.Error() }
func (e *fullError) Unwrap() error { return syscall.ENOSPC }

func in(part string) func(errorfs.Op) bool {
	return func(op errorfs.Op) bool { return strings.Contains(op.Path, part) }
}

// A disk that is full again and again, wherever in the state's writes, costs restarts and no results.
func TestFullDiskCostsNoResults(t *testing.T) {
	const size = 4000
	for name, d := range map[string]*disk{
		"log":        {hits: in(".log"), period: 15},
		"tables":     {hits: in(".sst"), period: 11},
		"manifest":   {hits: in("MANIFEST"), period: 9},
		"everything": {hits: in(""), period: 101},
	} {
		for _, local := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s/local=%v", name, local), func(t *testing.T) {
				t.Parallel()
				for seed := range uint64(nightly.Pick(1, 10)) {
					d := &disk{hits: d.hits, period: d.period + int64(seed)*7}
					log := hardLog(71+seed, size, 3)
					want, err := oracle.Final(log, oracle.Params{Gap: 30 * minute, Bound: minute, Lateness: 0})
					require.NoError(t, err)
					src := memory.Splits(events(log)).WithCodec(eventCodec).WithChunkSize(5)
					reading := &interrupted{Source: src, stop: func() error { d.armed.Store(!d.full.Load()); return nil }}
					s := shape{local: local, parallelism: 2, batch: 32, memory: 2 << 20, backend: pebblestate.Backend(
						pebblestate.FS(errorfs.Wrap(vfs.NewMem(), d)), pebblestate.Logger(quiet()), pebblestate.IngestOver(200, 0))}
					r := sessionJob(t, reading, s, 30*time.Minute, time.Minute, 0, stream.StateDir("state"), stream.CheckpointEvery(time.Millisecond),
						stream.Restart(stream.FixedDelay(100_000, time.Millisecond)))
					err = r.job.Run(t.Context())
					for n := 0; n < 50 && errors.Is(err, syscall.ENOSPC); n++ { // full when the state was closed, or opened, without an attempt that could begin again
						err = r.job.Run(t.Context())
					}
					require.NoError(t, err)
					require.Positive(t, d.failures.Load())
					same(t, want.Sessions(), r.rows())
					nightly.Record(t, nightly.Figures{Part: "disk full while a job runs: " + name, Seeds: 1, Events: size, Faults: map[string]int64{"disk full": d.failures.Load()}})
				}
			})
		}
	}
}

// A commit that fails and leaves its store in order is tried again, without a restart.
func TestFailedCommitsAreTriedAgain(t *testing.T) {
	var tables atomic.Int64
	d := errorfs.InjectorFunc(func(op errorfs.Op) error {
		if op.Kind != errorfs.OpCreate || !strings.Contains(op.Path, "ingest") || tables.Add(1)%3 == 1 {
			return nil
		}
		return &fullError{op.Path}
	})
	log := hardLog(5, 3000, 2)
	want, err := oracle.Final(log, oracle.Params{Gap: 30 * minute, Bound: minute, Lateness: 0})
	require.NoError(t, err)
	run := func(opts ...stream.JobOption) (sessionRun, error) {
		src := memory.Splits(events(log)).WithCodec(eventCodec).WithChunkSize(50)
		s := shape{parallelism: 2, batch: 32, backend: pebblestate.Backend(pebblestate.FS(errorfs.Wrap(vfs.NewMem(), d)), pebblestate.Logger(quiet()), pebblestate.IngestOver(1, 0))}
		r := sessionJob(t, src, s, 30*time.Minute, time.Minute, 0, append(opts, stream.StateDir("state"))...)
		return r, r.job.Run(t.Context())
	}
	var r sessionRun
	for range 20 { // the job's shape is written before it runs
		if r, err = run(); r.job.Status().Tasks != nil {
			break
		}
	}
	require.NoError(t, err)
	require.Positive(t, r.job.Count("checkpoints_failed"))
	require.Zero(t, r.job.Count("restarts"))
	same(t, want.Sessions(), r.rows())
	st := r.job.Status().Checkpoints
	require.Len(t, st, 1)
	require.EqualValues(t, r.job.Count("checkpoints_failed"), st[0].Failed)
	require.Positive(t, st[0].Completed)
	require.NoError(t, st[0].LastError)
}

// A checkpoint whose barrier does not come in time is told and waited for.
func TestLateCheckpoints(t *testing.T) {
	log := hardLog(5, 2000, 2)
	want, err := oracle.Final(log, oracle.Params{Gap: 30 * minute, Bound: minute, Lateness: 0})
	require.NoError(t, err)
	run := func(opts ...stream.JobOption) (sessionRun, error) {
		src := memory.Splits(events(log)).WithCodec(eventCodec).WithChunkSize(50)
		slow := &interrupted{Source: src, after: 0, stop: func() error { time.Sleep(2 * time.Millisecond); return nil }}
		r := sessionJob(t, slow, shape{parallelism: 2, batch: 32}, 30*time.Minute, time.Minute, 0, append(opts, stream.CheckpointTimeout(10*time.Microsecond))...)
		return r, r.job.Run(t.Context())
	}
	r, err := run()
	require.NoError(t, err)
	same(t, want.Sessions(), r.rows())
	require.Positive(t, r.job.Count("checkpoints_late"))
	require.Positive(t, r.job.Status().Checkpoints[0].Late)

	_, err = run(stream.TolerateCheckpointFailures(1))
	require.ErrorIs(t, err, stream.ErrCheckpoint)
}

package stream_test

import (
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/internal/oracle"
	"github.com/millrace/millrace/source/memory"
	pebblestate "github.com/millrace/millrace/state/pebble"
	"github.com/millrace/millrace/stream"
)

// fullError is what a full disk answers.
type fullError struct{ path string }

func (e *fullError) Error() string { return e.path + ": " + syscall.ENOSPC.Error() }
func (e *fullError) Unwrap() error { return syscall.ENOSPC }

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

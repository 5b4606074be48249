package stream_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	sinkmemory "github.com/millrace/millrace/sink/memory"
	"github.com/millrace/millrace/source/memory"
	"github.com/millrace/millrace/state"
	memorystate "github.com/millrace/millrace/state/memory"
	"github.com/millrace/millrace/state/savepoint"
	"github.com/millrace/millrace/stream"
	"github.com/millrace/millrace/watermark"
)

// liveSums is a job over a log that grows, which adds up windows of 10 ms.
func liveSums(log *memory.Live[int], opts ...stream.JobOption) (*stream.Job, *sinkmemory.List[int]) {
	j := newJob(opts...)
	return j, sums(j, stream.From[int](j, "numbers", log, watermark.Monotonous(atMilli)))
}

func TestStopWithSavepoint(t *testing.T) {
	for _, drain := range []bool{false, true} {
		name := map[bool]string{false: "stop", true: "drain"}[drain]
		t.Run(name, func(t *testing.T) {
			base := t.TempDir()
			dir, saved := filepath.Join(base, "state"), filepath.Join(base, "saved")
			log := memory.NewLive[int](1)
			j, list := liveSums(log, durable(dir)...)
			_, err := j.StopWithSavepoint(t.Context(), saved)
			require.ErrorIs(t, err, stream.ErrNotRunning)
			_, ended := running(t, j)
			require.NoError(t, log.Append(0, 1, 2, 3))
			eventually(t, "all is read", func() bool { return j.Count("records_in") >= 3 })

			require.NoError(t, os.Mkdir(filepath.Join(base, "taken"), 0o755))
			require.NoError(t, os.WriteFile(filepath.Join(base, "taken", "x"), nil, 0o644))
			_, err = j.StopWithSavepoint(t.Context(), filepath.Join(base, "taken"))
			require.ErrorIs(t, err, savepoint.ErrExists)
			require.ErrorContains(t, err, "goes on")

			how := j.StopWithSavepoint
			if drain {
				how = j.DrainWithSavepoint
			}
			m, err := how(t.Context(), saved)
			require.NoError(t, err)
			require.NoError(t, <-ended)
			_, err = j.StopWithSavepoint(t.Context(), filepath.Join(base, "later"))
			require.ErrorIs(t, err, stream.ErrNotRunning)
			sp, err := savepoint.Open(saved)
			require.NoError(t, err)
			require.NoError(t, sp.Verify())
			require.Equal(t, m, sp.Manifest())
			require.Equal(t, drain, m.Splits[0].Finished)
			require.EqualValues(t, 3, m.Splits[0].Position)
			if drain {
				require.Equal(t, []int{6}, list.Rows())
				require.Zero(t, m.Keys())
				return
			}
			require.Empty(t, list.Rows(), "the window stays open")
			require.EqualValues(t, 1, m.Keys())

			// The job's own state goes on as well, and so does the savepoint elsewhere.
			require.NoError(t, log.Append(0, 4, 15))
			for _, opts := range [][]stream.JobOption{durable(dir), append(durable(filepath.Join(base, "other")), stream.FromSavepoint(saved))} {
				j, list := liveSums(log, opts...)
				_, ended := running(t, j)
				eventually(t, "all is read", func() bool { return j.Count("records_in") >= 2 })
				j.Drain()
				require.NoError(t, <-ended)
				require.Equal(t, []int{10, 15}, list.Rows())
			}
		})
	}
}

func TestSavepointAtEnd(t *testing.T) {
	base := t.TempDir()
	dir, first, second := filepath.Join(base, "state"), filepath.Join(base, "first"), filepath.Join(base, "second")
	log := memory.NewLive[int](1)
	j, _ := liveSums(log, append(durable(dir), stream.SavepointAtEnd(first))...)
	stop, ended := running(t, j)
	require.NoError(t, log.Append(0, 1, 2))
	eventually(t, "all is read", func() bool { return j.Count("records_in") >= 2 })
	stop()
	require.NoError(t, <-ended)
	sp, err := savepoint.Open(first)
	require.NoError(t, err)
	require.EqualValues(t, 1, sp.Manifest().Keys())
	j, _ = liveSums(log, append(durable(dir), stream.SavepointAtEnd(first))...)
	require.ErrorIs(t, j.Run(t.Context()), savepoint.ErrExists)

	j, list := liveSums(log, append(durable(dir), stream.SavepointAtEnd(second), stream.DrainAtStop())...)
	stop, ended = running(t, j)
	eventually(t, "it runs", func() bool { return len(j.Status().Splits) == 1 })
	stop()
	require.NoError(t, <-ended)
	require.Equal(t, []int{3}, list.Rows())
	sp, err = savepoint.Open(second)
	require.NoError(t, err)
	require.True(t, sp.Manifest().Splits[0].Finished)
}

func TestNoSavepointOfAJobThatFails(t *testing.T) {
	base := t.TempDir()
	log := memory.NewLive[int](1)
	j := newJob(append(durable(filepath.Join(base, "state")), stream.StopTimeout(20*ms))...)
	stream.To(stream.From[int](j, "numbers", log, watermark.Monotonous(atMilli)), "stuck", &stuck{})
	_, ended := running(t, j)
	require.NoError(t, log.Append(0, 1))
	eventually(t, "it is read", func() bool { return j.Count("records_in") >= 1 })
	saved := filepath.Join(base, "saved")
	_, err := j.StopWithSavepoint(t.Context(), saved)
	require.ErrorIs(t, err, stream.ErrStopTimeout)
	require.ErrorContains(t, err, "there is no savepoint")
	require.ErrorIs(t, <-ended, stream.ErrStopTimeout)
	require.NoDirExists(t, saved)
}

// fullDisk is a state that can be written, and read but for its end: as a savepoint of it meets a failure in the middle.
type fullDisk struct{ state.Store }

var errDisk = errors.New("the disk is full")

func (f fullDisk) Scan(from, to []byte, visit func(key, value []byte) bool) error {
	if from != nil || to != nil {
		return f.Store.Scan(from, to, visit)
	}
	n := 0
	if err := f.Store.Scan(from, to, func(k, v []byte) bool { n++; return n < 4 && visit(k, v) }); err != nil {
		return err
	}
	return errDisk
}

func TestFailedSavepointLeavesTheJobStoppedAndWhole(t *testing.T) {
	base := t.TempDir()
	dir, saved := filepath.Join(base, "state"), filepath.Join(base, "saved")
	log := memory.NewLive[int](1)
	j, _ := liveSums(log, stream.StateDir(dir), stream.Backend(wrapping{memorystate.Backend(), func(s state.Store) state.Store { return fullDisk{s} }}))
	_, ended := running(t, j)
	require.NoError(t, log.Append(0, 1, 2))
	eventually(t, "all is read", func() bool { return j.Count("records_in") >= 2 })
	_, err := j.StopWithSavepoint(t.Context(), saved)
	require.ErrorIs(t, err, errDisk)
	require.ErrorContains(t, err, "its own state is whole")
	require.NoError(t, <-ended)
	_, err = savepoint.Open(saved)
	require.ErrorIs(t, err, savepoint.ErrIncomplete)
	names, err := os.ReadDir(saved)
	require.NoError(t, err)
	require.Empty(t, names)

	j, list := liveSums(log, durable(dir)...)
	_, ended = running(t, j)
	eventually(t, "it runs", func() bool { return len(j.Status().Splits) == 1 })
	m, err := j.DrainWithSavepoint(t.Context(), saved)
	require.NoError(t, err)
	require.NoError(t, <-ended)
	require.True(t, m.Splits[0].Finished)
	require.Equal(t, []int{3}, list.Rows())
}

func TestImpatientStop(t *testing.T) {
	base := t.TempDir()
	saved := filepath.Join(base, "saved")
	log := memory.NewLive[int](1)
	j, _ := liveSums(log, durable(filepath.Join(base, "state"))...)
	_, ended := running(t, j)
	eventually(t, "it runs", func() bool { return len(j.Status().Splits) == 1 })
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := j.StopWithSavepoint(ctx, saved)
	require.ErrorIs(t, err, context.Canceled)
	require.NoError(t, <-ended)
	_, err = savepoint.Open(saved)
	require.NoError(t, err, "it was written all the same")
}

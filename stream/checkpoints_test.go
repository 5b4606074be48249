package stream_test

import (
	"context"
	"errors"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/internal/nightly"
	"github.com/millrace/millrace/internal/oracle"
	"github.com/millrace/millrace/source/memory"
	"github.com/millrace/millrace/state/checkpoint"
	memorystate "github.com/millrace/millrace/state/memory"
	pebblestate "github.com/millrace/millrace/state/pebble"
	"github.com/millrace/millrace/stream"
)

// A job that loses its state directory again and again, and goes on from some checkpoint that was kept elsewhere, the newest or an older one, ends with the rows of the oracle.
func TestRestoredCheckpointsGoOn(t *testing.T) {
	const lateness = 10
	for name, s := range map[string]shape{
		"local-pebble":     {local: true, batch: 64, backend: pebblestate.Backend(), memory: 1 << 20, chunk: 50},
		"exchanged-pebble": {parallelism: 3, batch: 7, backend: pebblestate.Backend(), memory: 1 << 20, chunk: 50},
		"local-memory":     {local: true, batch: 5, backend: memorystate.Backend(), chunk: 50},
		"exchanged-memory": {parallelism: 2, batch: 64, backend: memorystate.Backend(), chunk: 50},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for seed := range uint64(nightly.Pick(1, 12)) {
				log := hardLog(11+seed, 10_000, 4)
				want, err := oracle.Final(log, oracle.Params{Gap: 30 * minute, Bound: minute, Lateness: lateness * minute})
				require.NoError(t, err)
				rng := rand.New(rand.NewPCG(seed, 9))
				src := memory.Splits(events(log)).WithCodec(eventCodec).WithChunkSize(50)
				place := checkpoint.Directory(filepath.Join(t.TempDir(), "place"))
				archive := checkpoint.Open(place)
				table := sessionJob(t, src, s, 30*time.Minute, time.Minute, 0).sessions
				late := map[oracle.LateRow]bool{}
				dir := filepath.Join(t.TempDir(), "state")
				restores := 0
				// Of the run before an older one was restored, later ones are no way on: rows have been written again since that they know nothing of.
				course, known := map[int64]bool{}, map[int64]bool{}
				for turn := 0; ; turn++ {
					require.Less(t, turn, 200, "the job makes no progress")
					ctx, cancel := context.WithCancel(context.Background())
					var r sessionRun
					stop := func() error {
						for n := 0; n < 1000 && r.job.Status().Images.Taken == 0; n++ {
							time.Sleep(5 * time.Millisecond) // the other split goes on
						}
						cancel()
						time.Sleep(20 * time.Millisecond) // the job stops before its log is read
						return nil
					}
					r = sessionJob(t, &interrupted{Source: src, after: rng.Int64N(2000) + 1000, stop: stop}, s, 30*time.Minute, time.Minute, lateness*time.Minute,
						stream.StateDir(dir), stream.StatusEvery(0), stream.Checkpoints(checkpoint.NewKeeper(place, checkpoint.EveryNth(2), checkpoint.Keep(4))))
					err := r.job.Run(ctx)
					cancel()
					require.NoError(t, err)
					require.NoError(t, r.job.Status().Images.LastError)
					merge(t, table, r.sessions.Changes())
					for _, l := range r.lateRows() {
						late[l] = true
					}
					if finished(r.job) {
						break
					}
					list, err := archive.List(t.Context())
					require.NoError(t, err)
					require.NotEmpty(t, list)
					require.LessOrEqual(t, len(list), 5, "4, and one that the run's end kept from taking the place of an older one")
					for _, c := range list {
						course[c.Number] = course[c.Number] || !known[c.Number]
						known[c.Number] = true
					}
					list = slices.DeleteFunc(list, func(c checkpoint.Listed) bool { return !course[c.Number] })
					require.NotEmpty(t, list)
					chosen := list[max(0, len(list)-1-rng.IntN(2))]
					require.NoError(t, chosen.Err)
					maps.DeleteFunc(course, func(n int64, _ bool) bool { return n > chosen.Number })
					dir = filepath.Join(t.TempDir(), "state")
					_, err = archive.Restore(t.Context(), chosen.Number, "sessions", s.backend, dir)
					require.NoError(t, err)
					restores++
				}
				require.Positive(t, restores)
				got := table.Rows()
				oracle.SortSessions(got)
				same(t, want.Sessions(), got)
				var gotLate []oracle.LateRow
				for l := range late {
					gotLate = append(gotLate, l)
				}
				sortLate(gotLate)
				wantLate := want.LateRows()
				sortLate(wantLate)
				same(t, wantLate, gotLate)
				nightly.Record(t, nightly.Figures{Part: "state directory lost, restored from a checkpoint", Seeds: 1, Cycles: int64(restores), Events: 10_000})
			}
		})
	}
}

// A place that cannot be written to, or takes for ever, is counted and told, and the job's results are what they are without it.
func TestImagesNeverFailTheJob(t *testing.T) {
	log := hardLog(5, 4000, 2)
	want, err := oracle.Final(log, oracle.Params{Gap: 30 * minute, Bound: minute, Lateness: 0})
	require.NoError(t, err)
	for name, place := range map[string]*brokenPlace{"fails": {err: errors.New("no space left on the other disk")}, "hangs": {}, "panics": {panics: true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			src := memory.Splits(events(log)).WithCodec(eventCodec).WithChunkSize(50)
			slow := &interrupted{Source: src, after: 1 << 40}
			r := sessionJob(t, slow, shape{parallelism: 2, batch: 64, backend: pebblestate.Backend(), chunk: 50}, 30*time.Minute, time.Minute, 0,
				stream.StateDir(filepath.Join(t.TempDir(), "state")), stream.CheckpointEvery(time.Millisecond),
				stream.Checkpoints(checkpoint.NewKeeper(place, checkpoint.EveryNth(1), checkpoint.Timeout(time.Millisecond))))
			require.NoError(t, r.job.Run(t.Context()))
			same(t, want.Sessions(), r.rows())
			st := r.job.Status().Images
			require.Positive(t, st.Failed)
			require.Zero(t, st.Taken)
			require.Error(t, st.LastError)
			require.EqualValues(t, st.Failed, r.job.Count("images_failed"))
			if name == "hangs" {
				require.Positive(t, st.TimedOut)
			}
		})
	}
}

// brokenPlace answers nothing.
type brokenPlace struct {
	checkpoint.Storage
	err    error
	panics bool
}

func (b *brokenPlace) String() string { return "broken place" }

func (b *brokenPlace) Get(ctx context.Context, _ string) ([]byte, string, error) {
	if b.panics {
		panic("place")
	}
	if b.err != nil {
		return nil, "", b.err
	}
	<-ctx.Done()
	return nil, "", context.Cause(ctx)
}

// What cannot work is said before the job runs.
func TestCheckpointsAreChecked(t *testing.T) {
	src := memory.Splits([][]event{{}}).WithCodec(eventCodec)
	for text, k := range map[string]*checkpoint.Keeper{
		"give the job a StateDir": checkpoint.NewKeeper(checkpoint.Directory(t.TempDir())),
		"checkpoint.Keep":         checkpoint.NewKeeper(checkpoint.Directory(t.TempDir()), checkpoint.Keep(0)),
		"checkpoint.Every":        checkpoint.NewKeeper(checkpoint.Directory(t.TempDir()), checkpoint.Every(0)),
		"checkpoint.Timeout":      checkpoint.NewKeeper(checkpoint.Directory(t.TempDir()), checkpoint.Timeout(0)),
	} {
		r := sessionJob(t, src, shape{local: true, batch: 1}, time.Minute, 0, 0, stream.Checkpoints(k))
		require.ErrorContains(t, r.job.Run(t.Context()), text)
	}
}

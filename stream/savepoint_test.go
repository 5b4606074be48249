package stream_test

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/internal/oracle"
	"github.com/millrace/millrace/sink"
	"github.com/millrace/millrace/source/memory"
	"github.com/millrace/millrace/state"
	memorystate "github.com/millrace/millrace/state/memory"
	pebblestate "github.com/millrace/millrace/state/pebble"
	"github.com/millrace/millrace/state/savepoint"
	"github.com/millrace/millrace/stream"
)

// makeSavepoint writes and verifies a savepoint of a stopped job's state.
func makeSavepoint(t *testing.T, b state.Backend, from, to string) *savepoint.Savepoint {
	t.Helper()
	store, err := b.Open(from, 0)
	require.NoError(t, err)
	written, err := savepoint.Write(store, to)
	require.NoError(t, err)
	require.NoError(t, store.Close())
	sp, err := savepoint.Open(to)
	require.NoError(t, err)
	require.Equal(t, written, sp.Manifest())
	require.NoError(t, sp.Verify())
	return sp
}

// A job that is stopped with a savepoint again and again, each time restored on the other backend, in another directory and at another parallelism, ends with
// the rows of the oracle.
func TestSavepointsMoveBetweenBackendsAndParallelism(t *testing.T) {
	log := hardLog(11, 20_000, 4)
	const lateness = 10
	want, err := oracle.Final(log, oracle.Params{Gap: 30 * minute, Bound: minute, Lateness: lateness * minute})
	require.NoError(t, err)
	pebble, inMemory := pebblestate.Backend(), memorystate.Backend()
	for name, turns := range map[string][]shape{
		"local": {
			{local: true, batch: 64, backend: pebble, memory: 1 << 20, chunk: 50},
			{local: true, batch: 5, backend: inMemory, chunk: 50},
		},
		"exchanged": {
			{parallelism: 1, batch: 64, backend: pebble, memory: 1 << 20, chunk: 50},
			{parallelism: 4, batch: 64, backend: inMemory, chunk: 50},
			{parallelism: 3, batch: 7, backend: pebble, memory: 1 << 20, chunk: 50},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rng := rand.New(rand.NewPCG(3, 5))
			src := memory.Splits(events(log)).WithCodec(eventCodec).WithChunkSize(50)
			table := sessionJob(t, src, turns[0], 30*time.Minute, time.Minute, 0).sessions
			late := map[oracle.LateRow]bool{}
			dir := filepath.Join(t.TempDir(), "state")
			moves, keys := 0, int64(0)
			for turn := 0; ; turn++ {
				require.Less(t, turn, 200, "the job makes no progress")
				s := turns[turn%len(turns)]
				ctx, cancel := context.WithCancel(context.Background())
				stop := func() error {
					cancel()
					time.Sleep(20 * time.Millisecond) // the job stops before its log is read
					return nil
				}
				r := sessionJob(t, &interrupted{Source: src, after: rng.Int64N(2500) + 500, stop: stop}, s,
					30*time.Minute, time.Minute, lateness*time.Minute, stream.StateDir(dir), stream.StatusEvery(0))
				err := r.job.Run(ctx)
				cancel()
				require.NoError(t, err)
				merge(t, table, r.sessions.Changes())
				for _, l := range r.lateRows() {
					late[l] = true
				}
				if finished(r.job) {
					break
				}
				sp := makeSavepoint(t, s.backend, dir, filepath.Join(t.TempDir(), "savepoint"))
				dir = filepath.Join(t.TempDir(), "state")
				require.NoError(t, sp.Restore(turns[(turn+1)%len(turns)].backend, dir))
				moves, keys = moves+1, keys+sp.Manifest().Keys()
			}
			require.Positive(t, moves)
			require.Positive(t, keys, "no savepoint held a key")
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
		})
	}
}

// A job that was drained and saved is finished where it is restored, too.
func TestSavepointOfADrainedJobIsFinished(t *testing.T) {
	log := hardLog(11, 500, 2)
	s := shape{parallelism: 2, batch: 64, backend: pebblestate.Backend(), chunk: 50}
	src := memory.Splits(events(log)).WithCodec(eventCodec).WithChunkSize(50)
	dir := filepath.Join(t.TempDir(), "state")
	require.NoError(t, sessionJob(t, src, s, 30*time.Minute, time.Minute, 0, stream.StateDir(dir)).job.Run(t.Context()))
	sp := makeSavepoint(t, s.backend, dir, filepath.Join(t.TempDir(), "savepoint"))
	for _, split := range sp.Manifest().Splits {
		require.True(t, split.Finished)
		require.EqualValues(t, len(log[split.Number]), split.Position)
	}
	require.Zero(t, sp.Manifest().Keys(), "windows were left open")
	dir = filepath.Join(t.TempDir(), "state")
	s.backend = memorystate.Backend()
	require.NoError(t, sp.Restore(s.backend, dir))
	again := sessionJob(t, src, s, 30*time.Minute, time.Minute, 0, stream.StateDir(dir))
	require.NoError(t, again.job.Run(t.Context()))
	require.Empty(t, again.rows())
}

// The golden savepoints are of all formats that were ever written, the present one last.
const goldenSavepoints = "../state/savepoint/testdata/"

var goldenFormats = []string{"format1", "format2"}

var writeGolden = flag.Bool("write-golden-savepoint", false, "write the golden savepoint of the present format anew, into a directory that does not exist")

// goldenLog and the share of it that the golden savepoints have behind them.
func goldenLog() (whole, read oracle.Log) {
	whole = hardLog(17, 400, 3)
	for _, part := range whole {
		read = append(read, part[:len(part)*2/3])
	}
	return whole, read
}

const goldenLateness = 20 * time.Minute

func goldenJob(t *testing.T, log oracle.Log, b state.Backend, opts ...stream.JobOption) sessionRun {
	t.Helper()
	src := memory.Splits(events(log)).WithCodec(eventCodec).WithChunkSize(1000)
	return sessionJob(t, src, shape{local: true, batch: 64, backend: b}, 30*time.Minute, time.Minute, goldenLateness, append(opts, stream.CheckpointEvery(time.Hour))...)
}

// The last savepoint in testdata is of the format of this program: the same state still gives the same bytes.
// If this fails, the form of the state has changed: raise its version, keep reading this one, and add the new one beside it.
func TestGoldenSavepointIsOfThisFormat(t *testing.T) {
	_, read := goldenLog()
	dir := filepath.Join(t.TempDir(), "state")
	require.NoError(t, goldenJob(t, read, pebblestate.Backend(), stream.StateDir(dir), stream.NoDrain()).job.Run(t.Context()))
	golden := goldenSavepoints + goldenFormats[len(goldenFormats)-1]
	if *writeGolden {
		makeSavepoint(t, pebblestate.Backend(), dir, golden)
	}
	now := filepath.Join(t.TempDir(), "savepoint")
	makeSavepoint(t, pebblestate.Backend(), dir, now)
	sameFiles(t, golden, now)
}

// A job that goes on from a golden savepoint, of whatever format, ends with the rows of the oracle, and what it leaves is of the present format.
func TestGoldenSavepointsAreRestored(t *testing.T) {
	whole, read := goldenLog()
	want, err := oracle.Final(whole, oracle.Params{Gap: 30 * minute, Bound: minute, Lateness: goldenLateness.Milliseconds()})
	require.NoError(t, err)
	first := goldenJob(t, read, memorystate.Backend(), stream.NoDrain())
	require.NoError(t, first.job.Run(t.Context()))
	for _, format := range goldenFormats {
		for _, b := range []state.Backend{pebblestate.Backend(), memorystate.Backend()} {
			t.Run(format+" "+b.String(), func(t *testing.T) {
				sp, err := savepoint.Open(goldenSavepoints + format)
				require.NoError(t, err)
				require.NoError(t, sp.Verify())
				require.Positive(t, sp.Manifest().Keys())
				plan, err := goldenJob(t, whole, b).job.PlanState(sp)
				require.NoError(t, err)
				require.NoError(t, plan.Err(), "%s", plan)
				for _, o := range plan.Operators {
					require.Equal(t, state.Kept, o.Fate, "%s", plan)
				}
				dir := filepath.Join(t.TempDir(), "state")
				require.NoError(t, sp.Restore(b, dir))
				rest := goldenJob(t, whole, b, stream.StateDir(dir))
				require.NoError(t, rest.job.Run(t.Context()))
				table := goldenJob(t, read, b).sessions
				for _, changes := range [][]sink.Row[oracle.SessionRow]{first.sessions.Changes(), rest.sessions.Changes()} {
					merge(t, table, changes)
				}
				got := table.Rows()
				oracle.SortSessions(got)
				same(t, want.Sessions(), got)
				require.NotEmpty(t, rest.rows(), "nothing came of the restored state")
				in := whole.Len()
				if format == "format1" {
					in -= read.Len() // that was before the ledger
				}
				require.EqualValues(t, in, rest.job.Status().Ledger.Total().In)
				after := makeSavepoint(t, b, dir, filepath.Join(t.TempDir(), "after"))
				require.Equal(t, 2, after.Manifest().StateFormat)
			})
		}
	}
}

// sameFiles demands that two directories hold the same bytes.
func sameFiles(t *testing.T, want, got string) {
	t.Helper()
	read := func(dir string) map[string]string {
		files := map[string]string{}
		names, err := os.ReadDir(dir)
		require.NoError(t, err)
		for _, n := range names {
			b, err := os.ReadFile(filepath.Join(dir, n.Name()))
			require.NoError(t, err)
			files[n.Name()] = string(b)
		}
		return files
	}
	wanted, had := read(want), read(got)
	for name, content := range wanted {
		require.Equal(t, fmt.Sprintf("%q", content), fmt.Sprintf("%q", had[name]), "%s", name)
	}
	require.Len(t, had, len(wanted))
}

package file_test

import (
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/sink"
	"github.com/millrace/millrace/sink/file"
	"github.com/millrace/millrace/sink/sinktest"
)

func csvDir(dir string, options ...file.Option) sink.Sink[record] {
	return file.CSVDir(dir, sinktest.Columns, options...)
}

func sessions() sink.Env { return sink.Env{Job: "shop", Operator: "sessions", Subtasks: 1} }

func restored(env sink.Env) sink.Env {
	env.Restored = true
	return env
}

// shown writes one row into a directory and shows it, and gives the state.
func shown(t *testing.T, dir string) []byte {
	t.Helper()
	w, c := openEnv(t, csvDir(dir), sessions())
	require.NoError(t, w.Write(t.Context(), one("a")))
	pending := prepare(t, c, 1, false)
	require.NoError(t, c.Commit(t.Context(), pending))
	require.NoError(t, w.Close())
	return pending
}

func refused(t *testing.T, dir string, env sink.Env) error {
	t.Helper()
	w, err := csvDir(dir).Open(t.Context(), env)
	if err == nil {
		w.Close()
	}
	require.ErrorIs(t, err, file.ErrExists)
	return err
}

func TestDirectoryBelongsToOneRun(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "v1")
	pending := shown(t, dir)

	err := refused(t, dir, sessions())
	require.ErrorContains(t, err, `part-00000-0000000001.csv of run `, "a job without state")
	require.ErrorContains(t, err, "choose another location")
	other := sessions()
	other.Job = "bank"
	require.ErrorContains(t, refused(t, dir, other), `of job "shop", operator "sessions"; this is job "bank"`)
	require.ErrorContains(t, refused(t, dir, restored(other)), "give it the location that it had before")
	other = sessions()
	other.Subtask = 7
	refused(t, dir, other)

	w, c := openEnv(t, csvDir(dir), restored(sessions()))
	require.NoError(t, c.Commit(t.Context(), pending))
	require.NoError(t, c.Recover(t.Context(), [][]byte{pending}))
	require.NoError(t, w.Write(t.Context(), one("b")))
	require.NoError(t, c.Commit(t.Context(), prepare(t, c, 2, true)))
	require.Len(t, visible(t, dir), 2)
}

func TestForeignContentIsRefused(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "notes.txt"), nil, 0o644))
	require.ErrorContains(t, refused(t, dir, sessions()), "notes.txt")
	_, c := openEnv(t, csvDir(dir), restored(sessions()))
	require.ErrorIs(t, c.Recover(t.Context(), nil), file.ErrExists, "a sink that is new to a restored job")
}

func TestStateOfAnotherLocation(t *testing.T) {
	pending := shown(t, filepath.Join(t.TempDir(), "v1"))
	_, c := openEnv(t, csvDir(t.TempDir()), restored(sessions()))
	require.ErrorIs(t, c.Commit(t.Context(), pending), file.ErrDamaged)
	require.ErrorContains(t, c.Recover(t.Context(), [][]byte{pending}), "give the job the location that it had before")

	taken := t.TempDir()
	shown(t, taken)
	_, c = openEnv(t, csvDir(taken), restored(sessions()))
	require.ErrorContains(t, c.Commit(t.Context(), pending), "another run has taken the location")
}

func TestOlderCheckpointIsRefused(t *testing.T) {
	dir := t.TempDir()
	old := shown(t, dir)
	w, c := openEnv(t, csvDir(dir), restored(sessions()))
	require.NoError(t, c.Recover(t.Context(), [][]byte{old}))
	require.NoError(t, w.Write(t.Context(), one("b")))
	require.NoError(t, c.Commit(t.Context(), prepare(t, c, 2, false)))
	require.NoError(t, w.Close())
	_, c = openEnv(t, csvDir(dir), restored(sessions()))
	require.ErrorIs(t, c.Recover(t.Context(), [][]byte{old}), file.ErrExists, "it would write b again")
}

// A crash before the first checkpoint leaves a mark, and a trial of the sink does: neither locks the user out.
func TestCrashBeforeTheFirstCheckpoint(t *testing.T) {
	dir := t.TempDir()
	for range 3 {
		w, c := openEnv(t, csvDir(dir), sessions())
		require.NoError(t, w.Write(t.Context(), one("a")))
		prepare(t, c, 1, false)
		require.NoError(t, w.Write(t.Context(), one("b")))
		require.NoError(t, w.Close())
	}
	shown(t, dir)
	got, err := os.ReadFile(filepath.Join(dir, "part-00000-0000000001.csv"))
	require.NoError(t, err)
	require.Equal(t, "id,seq,text,number,ratio,flag\na,0,,0,0,false\n", string(got))
}

func TestOneProcessAtATime(t *testing.T) {
	dir := t.TempDir()
	s := csvDir(dir)
	w, _ := openEnv(t, s, sessions())
	_, err := csvDir(dir).Open(t.Context(), sessions())
	require.ErrorIs(t, err, file.ErrInUse)
	second := sessions()
	second.Subtask = 1
	_, _ = openEnv(t, s, second) // of the same sink
	second.Operator = "other"
	_, err = s.Open(t.Context(), second)
	require.ErrorContains(t, err, "writes to it as well")
	require.NoError(t, w.Close())
}

func TestJobsThatRaceForADirectory(t *testing.T) {
	for range 20 {
		dir := filepath.Join(t.TempDir(), "v1")
		var wg sync.WaitGroup
		results := make(chan error, 4)
		for _, job := range []string{"a", "b", "c", "d"} {
			wg.Go(func() {
				w, err := csvDir(dir).Open(t.Context(), sink.Env{Job: job, Operator: "sessions"})
				if err == nil {
					err = w.Close()
				}
				results <- err
			})
		}
		wg.Wait()
		close(results)
		won := 0
		for err := range results {
			if err == nil {
				won++
			}
		}
		require.Equal(t, 1, won)
	}
}

func TestSignOfTheEnd(t *testing.T) {
	dir := t.TempDir()
	s := csvDir(dir)
	env := sessions()
	env.Subtasks = 2
	w0, c0 := openEnv(t, s, env)
	require.NoError(t, w0.Write(t.Context(), one("a")))
	require.NoError(t, c0.Commit(t.Context(), prepare(t, c0, 1, false)))
	last := prepare(t, c0, 2, true)
	require.NoError(t, c0.Commit(t.Context(), last))
	require.NoError(t, w0.Close())
	success := filepath.Join(dir, "_SUCCESS")
	require.NoFileExists(t, success, "subtask 1 has not even begun")
	env.Subtask = 1
	w1, c1 := openEnv(t, s, env)
	require.NoError(t, w1.Write(t.Context(), one("b")))
	pending := prepare(t, c1, 1, true)
	require.NoFileExists(t, success)
	require.NoError(t, w1.Close())

	// The process ends before subtask 1 has shown its last part, and comes back.
	s = csvDir(dir)
	env.Subtask = 0
	_, c0 = openEnv(t, s, restored(env))
	require.NoError(t, c0.Commit(t.Context(), last))
	require.NoFileExists(t, success)
	env.Subtask = 1
	_, c1 = openEnv(t, s, restored(env))
	require.NoError(t, c1.Commit(t.Context(), pending))
	got, err := os.ReadFile(success)
	require.NoError(t, err)
	require.Contains(t, string(got), `"job":"shop"`)
	require.NoError(t, c1.Commit(t.Context(), pending), "again")
}

func TestNothingLeavesTheRoot(t *testing.T) {
	root, outside := t.TempDir(), t.TempDir()
	for _, below := range []string{"..", "../x", "a/../../x", "/abs", "a//b", "a/", "a/.", ".hidden", "_x", "a\x00b", "a\nb", `a\b`, "a:b", string([]byte{0xff})} {
		_, err := csvDir(root, file.Below(below)).Open(t.Context(), sessions())
		require.ErrorContains(t, err, "the path below "+root, "%q", below)
	}
	require.NoError(t, os.Symlink(outside, filepath.Join(root, "link")))
	_, err := csvDir(root, file.Below("link/v1")).Open(t.Context(), sessions())
	require.ErrorContains(t, err, "escapes")
	entries, err := os.ReadDir(outside)
	require.NoError(t, err)
	require.Empty(t, entries)

	// A link in the place of a part's file.
	dir := filepath.Join(root, "sessions", "v1")
	w, _ := openEnv(t, csvDir(root, file.Below("sessions/v1")), sessions())
	require.NoError(t, os.Symlink(filepath.Join(outside, "stolen"), filepath.Join(dir, ".part-00000.inprogress")))
	require.ErrorContains(t, w.Write(t.Context(), one("a")), "escapes")
	require.NoFileExists(t, filepath.Join(outside, "stolen"))
}

func TestFullPartsRoll(t *testing.T) {
	for name, option := range map[string]file.Option{"rows": file.RollRows(2), "bytes": file.RollBytes(50)} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			w, c := openEnv(t, csvDir(dir, option), sessions())
			for _, id := range []string{"a", "b", "c", "d", "e"} {
				require.NoError(t, w.Write(t.Context(), one(id)))
			}
			require.Len(t, visible(t, dir), 0)
			first := prepare(t, c, 1, false)
			require.NoError(t, w.Write(t.Context(), one("f")))
			require.NoError(t, c.Commit(t.Context(), first))
			require.Len(t, visible(t, dir), 3)
			require.NoError(t, w.Close())
			w, c = openEnv(t, csvDir(dir, option), restored(sessions()))
			require.NoError(t, c.Recover(t.Context(), [][]byte{first}))
			require.NoError(t, w.Write(t.Context(), one("f")))
			require.NoError(t, c.Commit(t.Context(), prepare(t, c, 2, true)))
			var ids string
			for _, path := range visible(t, dir) {
				for _, r := range readCSV(t, path) {
					ids += r.ID
				}
			}
			require.Equal(t, "abcdef", ids)
		})
	}
}

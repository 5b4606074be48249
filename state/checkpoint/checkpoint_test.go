package checkpoint_test

import (
	"bytes"
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/internal/runtime"
	"github.com/millrace/millrace/state"
	"github.com/millrace/millrace/state/checkpoint"
	"github.com/millrace/millrace/state/memory"
	"github.com/millrace/millrace/state/pebble"
)

// Each checkpoint restores to the state of its moment; only what is new is brought; the oldest go, with files that no other one needs.
func TestCheckpoints(t *testing.T) {
	for _, b := range backends {
		t.Run(b.String(), func(t *testing.T) {
			root := filepath.Join(t.TempDir(), "place")
			a := checkpoint.Open(checkpoint.Directory(root))
			k := checkpoint.NewKeeper(checkpoint.Directory(root), checkpoint.Keep(3))
			_, err := a.Latest(t.Context())
			require.ErrorIs(t, err, checkpoint.ErrNone)
			r := start(t, b, "shop")
			want := map[int64]map[string]string{}
			for n := range int64(6) {
				keys := 20
				if n == 0 {
					keys = 30_000
				}
				r.commit(int(n)*10, keys)
				i := r.take(k)
				require.Equal(t, n+1, i.Number)
				want[i.Number] = content(t, r.store)
				if i.Number == 2 && b.String() == "pebble" { // later ones may have been compacted
					require.Less(t, i.NewBytes*5, i.Bytes, "a small change costs little")
				}
				require.NoDirExists(t, filepath.Join(r.dir, "image"), "what an image needs is given back")
			}
			list, err := a.List(t.Context())
			require.NoError(t, err)
			require.Len(t, list, 3)
			needed := map[string]bool{}
			for _, l := range list {
				m, err := a.Verify(t.Context(), l.Number)
				require.NoError(t, err)
				require.Equal(t, []checkpoint.Split{{Operator: "clicks", ID: "0", Position: l.Number * 100}}, m.Splits)
				require.Equal(t, map[string]int64{"job": l.Number}, m.Epochs)
				require.Equal(t, want[l.Number], restored(t, a, l.Number, b))
				for _, f := range m.Files {
					needed[f.SHA256] = true
				}
			}
			require.Equal(t, needed, stored(t, root))

			removed, err := a.Remove(t.Context(), 4, 5)
			require.NoError(t, err)
			require.Equal(t, 2, removed.Checkpoints)
			require.Positive(t, removed.Files)
			require.Equal(t, want[6], restored(t, a, 6, b))
			_, err = a.Remove(t.Context(), 4)
			require.ErrorIs(t, err, checkpoint.ErrNone)
			r.commit(0, 10)
			n := r.take(k).Number // what was removed is brought again where it is needed
			require.EqualValues(t, 7, n)
			require.Equal(t, content(t, r.store), restored(t, a, n, b))
		})
	}
}

// stored are the files of a place.
func stored(t *testing.T, root string) map[string]bool {
	t.Helper()
	names := map[string]bool{}
	require.NoError(t, filepath.WalkDir(filepath.Join(root, "files"), func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			names[filepath.Base(path)] = true
		}
		return err
	}))
	return names
}

// Every file of a place, damaged in every way in turn, is named by Verify and Restore, and nothing is restored.
func TestDamage(t *testing.T) {
	for _, b := range backends {
		t.Run(b.String(), func(t *testing.T) {
			root := filepath.Join(t.TempDir(), "place")
			place := checkpoint.Directory(root)
			a := checkpoint.Open(place)
			r := start(t, b, "shop")
			r.commit(0, 5000)
			number := r.take(checkpoint.NewKeeper(place)).Number
			m, err := a.Manifest(t.Context(), number)
			require.NoError(t, err)
			paths := []string{"checkpoints/000000000001.json"}
			for _, f := range m.Files {
				paths = append(paths, "files/"+m.Lineage+"/"+f.SHA256)
			}
			for _, name := range paths {
				path := filepath.Join(root, name)
				whole, err := os.ReadFile(path)
				require.NoError(t, err)
				broken := map[string][]byte{"gone": nil, "longer": append(bytes.Clone(whole), 'x')}
				if len(whole) > 0 {
					broken["shorter"] = whole[:len(whole)-1]
					broken["flipped"] = bytes.Clone(whole)
					broken["flipped"][len(whole)/2] ^= 1
				}
				for how, content := range broken {
					if err := os.Remove(path); err != nil { // it may be a link to the state's own
						require.ErrorIs(t, err, fs.ErrNotExist)
					}
					if content != nil {
						require.NoError(t, os.WriteFile(path, content, 0o600))
					}
					dir := filepath.Join(t.TempDir(), "restored")
					_, verified := a.Verify(t.Context(), number)
					_, restored := a.Restore(t.Context(), number, "shop", b, dir)
					for _, err := range []error{verified, restored} {
						require.ErrorContains(t, err, filepath.Base(path), "%s %s", name, how)
						if how == "gone" && strings.HasPrefix(name, "checkpoints/") {
							require.ErrorIs(t, err, checkpoint.ErrNone)
						} else {
							require.ErrorIs(t, err, state.ErrCorrupt, "%s %s", name, how)
						}
					}
					require.NoDirExists(t, dir)
					require.NoDirExists(t, dir+".restoring")
				}
				require.NoError(t, os.WriteFile(path, whole, 0o600))
			}
			require.Equal(t, content(t, r.store), restored(t, a, number, b))
		})
	}
}

// What is another's is refused with what it is and whose.
func TestForeign(t *testing.T) {
	root := filepath.Join(t.TempDir(), "place")
	place := checkpoint.Directory(root)
	a := checkpoint.Open(place)
	r := start(t, pebble.Backend(), "shop")
	r.commit(0, 10)
	k := checkpoint.NewKeeper(place)
	r.take(k)
	dir := filepath.Join(t.TempDir(), "restored")
	_, err := a.Restore(t.Context(), 1, "other", pebble.Backend(), dir)
	require.ErrorIs(t, err, checkpoint.ErrForeign)
	require.ErrorContains(t, err, `of job "shop", this is "other"`)
	_, err = a.Restore(t.Context(), 1, "shop", memory.Backend(), dir)
	require.ErrorIs(t, err, checkpoint.ErrForeign)
	require.ErrorContains(t, err, "backend pebble")
	_, err = a.Restore(t.Context(), 2, "shop", pebble.Backend(), dir)
	require.ErrorIs(t, err, checkpoint.ErrNone)

	require.NoError(t, os.Mkdir(dir, 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "mine"), nil, 0o600))
	_, err = a.Restore(t.Context(), 1, "shop", pebble.Backend(), dir)
	require.ErrorIs(t, err, checkpoint.ErrExists)
	require.FileExists(t, filepath.Join(dir, "mine"))

	first := filepath.Join(root, "checkpoints", "000000000001.json")
	whole, err := os.ReadFile(first)
	require.NoError(t, err)
	renamed := filepath.Join(root, "checkpoints", "000000000009.json")
	require.NoError(t, os.WriteFile(renamed, whole, 0o600))
	_, err = a.Restore(t.Context(), 9, "shop", pebble.Backend(), filepath.Join(t.TempDir(), "restored"))
	require.ErrorIs(t, err, checkpoint.ErrForeign)
	require.NoError(t, os.Remove(renamed))
	require.NoError(t, os.WriteFile(first, bytes.Replace(whole, []byte(`"format": 1`), []byte(`"format": 2`), 1), 0o600))
	_, err = a.Verify(t.Context(), 1)
	require.ErrorIs(t, err, checkpoint.ErrFormat)
	list, err := a.List(t.Context())
	require.NoError(t, err)
	require.ErrorIs(t, list[0].Err, checkpoint.ErrFormat)

	// A place of another job is not written to; and while a manifest cannot be read, nothing is removed.
	m := r.moment()
	m.Job = "other"
	_, err = checkpoint.NewKeeper(place).Take(t.Context(), m)
	require.ErrorIs(t, err, checkpoint.ErrForeign)
	before := stored(t, root)
	r.commit(0, 10)
	i, err := k.Take(t.Context(), r.moment())
	require.NoError(t, err)
	require.ErrorIs(t, i.Warning, checkpoint.ErrFormat)
	for name := range before {
		require.Contains(t, stored(t, root), name)
	}
	_, err = a.Remove(t.Context(), 1)
	require.NoError(t, err, "what cannot be read can be removed")
	require.Equal(t, content(t, r.store), restored(t, a, 2, pebble.Backend()))
}

// Of two processes that run one job in two directories, the younger keeps its checkpoints whole and the older stops, whichever of them does what in between.
func TestSecondWriter(t *testing.T) {
	root := filepath.Join(t.TempDir(), "place")
	place := checkpoint.Directory(root)
	a := checkpoint.Open(place)
	older, younger := start(t, pebble.Backend(), "shop"), start(t, pebble.Backend(), "shop")
	first, second := checkpoint.NewKeeper(place, checkpoint.Keep(1)), checkpoint.NewKeeper(place, checkpoint.Keep(1))
	older.commit(0, 100)
	younger.commit(0, 100)
	older.take(first)
	// The older one is in the middle of an image while the younger one takes the place over.
	m := older.moment()
	m.Hold = func(_ context.Context, f func() error) error {
		younger.commit(50, 100)
		require.EqualValues(t, 2, younger.take(second).Number)
		return f()
	}
	older.commit(200, 10)
	_, err := first.Take(t.Context(), m)
	require.ErrorIs(t, err, checkpoint.ErrTaken)
	for range 3 {
		older.commit(300, 10)
		_, err = first.Take(t.Context(), older.moment())
		require.ErrorIs(t, err, checkpoint.ErrTaken)
		younger.commit(400, 10)
		number := younger.take(second).Number
		require.Equal(t, content(t, younger.store), restored(t, a, number, pebble.Backend()))
	}
	list, err := a.List(t.Context())
	require.NoError(t, err)
	require.Len(t, list, 1)
}

// A backend without files says so.
func TestWithoutFiles(t *testing.T) {
	for _, b := range backends {
		s, err := b.Open("", 0)
		require.NoError(t, err)
		require.Error(t, s.(state.Imager).Image(filepath.Join(t.TempDir(), "image")))
		require.NoError(t, s.Close())
	}
	k := checkpoint.NewKeeper(checkpoint.Directory(t.TempDir()))
	_, err := k.Take(t.Context(), runtime.ImageMoment{Backend: "other"})
	require.ErrorContains(t, err, "makes no images")
}

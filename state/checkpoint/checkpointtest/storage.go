// Package checkpointtest has what every place for checkpoints must do, as tests.
package checkpointtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/state/checkpoint"
)

// Traits say what the place under test is like.
type Traits struct {
	// Large is a file's size beyond what the place sends at once.
	Large int
	// Blind says that the server replaces a small file whatever it holds: two that replace it at a time both succeed, and the later one stays.
	Blind bool
}

// TestStorage tries a place; each call of open gives an empty one.
func TestStorage(t *testing.T, open func(*testing.T) checkpoint.Storage, traits Traits) {
	for name, test := range map[string]func(*testing.T, checkpoint.Storage){
		"small files":               func(t *testing.T, s checkpoint.Storage) { smallFiles(t, s, traits.Blind) },
		"one of many wins":          func(t *testing.T, s checkpoint.Storage) { oneWins(t, s, traits.Blind) },
		"files":                     func(t *testing.T, s checkpoint.Storage) { files(t, s, traits.Large) },
		"missing":                   missing,
		"list":                      list,
		"cancelled":                 cancelled,
		"failed upload":             failedUpload,
		"read while it is replaced": replaced,
	} {
		t.Run(name, func(t *testing.T) { test(t, open(t)) })
	}
}

func smallFiles(t *testing.T, s checkpoint.Storage, blind bool) {
	ctx := t.Context()
	require.ErrorIs(t, s.Put(ctx, "checkpoints/a.json", []byte("x"), "no such content"), fs.ErrExist)
	require.NoError(t, s.Put(ctx, "checkpoints/a.json", []byte("one"), ""))
	require.ErrorIs(t, s.Put(ctx, "checkpoints/a.json", []byte("two"), ""), fs.ErrExist)
	data, tag, err := s.Get(ctx, "checkpoints/a.json")
	require.NoError(t, err)
	require.Equal(t, "one", string(data))
	require.NotEmpty(t, tag)
	require.NoError(t, s.Put(ctx, "checkpoints/a.json", []byte("two"), tag))
	if !blind {
		require.ErrorIs(t, s.Put(ctx, "checkpoints/a.json", []byte("three"), tag), fs.ErrExist, "the tag is of an older content")
	}
	data, _, err = s.Get(ctx, "checkpoints/a.json")
	require.NoError(t, err)
	require.Equal(t, "two", string(data))
}

// oneWins: of several that make or replace a small file at a time one does.
func oneWins(t *testing.T, s checkpoint.Storage, blind bool) {
	tag := ""
	for round := range 3 {
		var won atomic.Int32
		var group sync.WaitGroup
		for i := range 4 {
			group.Go(func() {
				err := s.Put(context.Background(), "mark", fmt.Appendf(nil, "%d of round %d", i, round), tag)
				if err == nil {
					won.Add(1)
				} else if !errors.Is(err, fs.ErrExist) {
					t.Errorf("put: %v", err)
				}
			})
		}
		group.Wait()
		if round == 0 || !blind {
			require.EqualValues(t, 1, won.Load(), "round %d", round)
		}
		var err error
		_, tag, err = s.Get(t.Context(), "mark")
		require.NoError(t, err)
	}
}

func local(t *testing.T, content []byte) string {
	path := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(path, content, 0o600))
	return path
}

func upload(t *testing.T, s checkpoint.Storage, name string, content []byte) {
	t.Helper()
	require.NoError(t, s.Upload(t.Context(), name, local(t, content), int64(len(content))))
}

func download(t *testing.T, s checkpoint.Storage, name string) []byte {
	t.Helper()
	r, err := s.Download(t.Context(), name)
	require.NoError(t, err)
	content, err := io.ReadAll(r)
	require.NoError(t, err)
	require.NoError(t, r.Close())
	return content
}

func files(t *testing.T, s checkpoint.Storage, large int) {
	for _, n := range []int{0, 1, 1000, large} {
		content := bytes.Repeat([]byte{'a', 'b', byte(n)}, n/3+1)[:n]
		name := fmt.Sprintf("files/l/%d", n)
		upload(t, s, name, content)
		require.True(t, bytes.Equal(content, download(t, s, name)), "%d bytes came back differently", n)
		upload(t, s, name, content)
		require.True(t, bytes.Equal(content, download(t, s, name)), "%d bytes came back differently", n)
	}
	require.NoError(t, s.Remove(t.Context(), "files/l/1000"))
	require.NoError(t, s.Remove(t.Context(), "files/l/1000"))
	require.Equal(t, []string{"files/l/0", "files/l/1", fmt.Sprintf("files/l/%d", large)}, names(t, s, "files/"))
}

func missing(t *testing.T, s checkpoint.Storage) {
	_, _, err := s.Get(t.Context(), "nothing")
	require.ErrorIs(t, err, fs.ErrNotExist)
	r, err := s.Download(t.Context(), "files/l/nothing")
	if err == nil {
		_, err = r.Read(make([]byte, 1))
		require.NoError(t, r.Close())
	}
	require.ErrorIs(t, err, fs.ErrNotExist)
	require.NoError(t, s.Remove(t.Context(), "files/l/nothing"))
	require.Empty(t, names(t, s, ""))
}

func names(t *testing.T, s checkpoint.Storage, prefix string) (all []string) {
	t.Helper()
	require.NoError(t, s.List(t.Context(), prefix, func(e checkpoint.Entry) { all = append(all, e.Name) }))
	slices.Sort(all)
	return all
}

func list(t *testing.T, s checkpoint.Storage) {
	before := time.Now().Add(-time.Minute)
	for i := range 12 {
		upload(t, s, fmt.Sprintf("files/%d/%d", i%2, i), make([]byte, i))
	}
	require.NoError(t, s.Put(t.Context(), "checkpoints/1.json", []byte("x"), ""))
	require.Equal(t, []string{"files/0/0", "files/0/10", "files/0/2", "files/0/4", "files/0/6", "files/0/8"}, names(t, s, "files/0/"))
	require.Equal(t, []string{"checkpoints/1.json"}, names(t, s, "checkpoints/"))
	require.Len(t, names(t, s, ""), 13)
	require.NoError(t, s.List(t.Context(), "files/1/", func(e checkpoint.Entry) {
		require.Equal(t, fmt.Sprintf("files/1/%d", e.Size), e.Name)
		require.True(t, e.Modified.After(before), "%s", e.Modified)
	}))
}

func cancelled(t *testing.T, s checkpoint.Storage) {
	upload(t, s, "files/l/a", []byte("a"))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.Error(t, s.List(ctx, "", func(checkpoint.Entry) {}))
}

// failedUpload: what could not be read whole is not there.
func failedUpload(t *testing.T, s checkpoint.Storage) {
	require.Error(t, s.Upload(t.Context(), "files/l/a", filepath.Join(t.TempDir(), "missing"), 10))
	require.Empty(t, names(t, s, "files/"))
}

// replaced: a small file is read whole, as it was or as it is.
func replaced(t *testing.T, s checkpoint.Storage) {
	texts := [][]byte{bytes.Repeat([]byte("a"), 5000), bytes.Repeat([]byte("b"), 3000)}
	require.NoError(t, s.Put(t.Context(), "mark", texts[0], ""))
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := range 20 {
			_, tag, err := s.Get(context.Background(), "mark")
			if err == nil {
				err = s.Put(context.Background(), "mark", texts[(i+1)%2], tag)
			}
			if err != nil {
				t.Errorf("replace: %v", err)
			}
		}
	}()
	for reading := true; reading; {
		select {
		case <-done:
			reading = false
		default:
		}
		data, _, err := s.Get(t.Context(), "mark")
		require.NoError(t, err)
		require.True(t, bytes.Equal(data, texts[0]) || bytes.Equal(data, texts[1]), "%d bytes", len(data))
	}
}

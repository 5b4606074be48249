package disk_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/internal/disk"
)

func TestLock(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	first, err := disk.TryLock(path)
	require.NoError(t, err)
	_, err = disk.TryLock(path)
	require.ErrorIs(t, err, disk.ErrLocked)
	require.ErrorContains(t, err, path)

	tired := errors.New("waited for long enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(tired)
	_, err = disk.Lock(ctx, path)
	require.ErrorIs(t, err, tired)

	got := make(chan error, 1)
	go func() {
		second, err := disk.Lock(context.Background(), path)
		if err == nil {
			err = second.Close()
		}
		got <- err
	}()
	require.NoError(t, first.Close())
	require.NoError(t, <-got)
}

func TestLockNeedsItsDirectory(t *testing.T) {
	_, err := disk.Lock(t.Context(), filepath.Join(t.TempDir(), "missing", "lock"))
	require.ErrorIs(t, err, os.ErrNotExist)
}

func TestReplace(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "file")
	for _, text := range []string{"a long first text", "short"} {
		require.NoError(t, disk.Replace(path, []byte(text)))
		got, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Equal(t, text, string(got))
	}
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, left, 1)
}

func TestReplaceKeepsTheOldOnFailure(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	require.NoError(t, disk.Replace(path, []byte("old")))
	require.NoError(t, os.Mkdir(path+".new", 0o755))
	require.Error(t, disk.Replace(path, []byte("new")))
	got, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, "old", string(got))
}

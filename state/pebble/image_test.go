package pebble_test

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/state"
	"github.com/millrace/millrace/state/pebble"
)

// An image that fails at any of its writes, as with a full disk, leaves the store as it was: commits and reads go on, and the next image is whole.
func TestImageFailsAlone(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "store")
	var failAt, writes atomic.Int64
	fs := errorfs.Wrap(vfs.Default, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if op.Kind.ReadOrWrite() != errorfs.OpIsWrite || !strings.HasPrefix(op.Path, filepath.Join(dir, "image")) {
			return nil
		}
		if writes.Add(1) == failAt.Load() {
			return syscall.ENOSPC
		}
		return nil
	}))
	s, err := pebble.Backend(quiet, pebble.FS(fs)).Open(dir, 4<<20)
	require.NoError(t, err)
	defer func() { require.NoError(t, s.Close()) }()
	im := s.(state.Imager)
	parent := filepath.Join(dir, "image")
	failed := 0
	for n := int64(1); ; n++ {
		require.NoError(t, s.Commit(numbered(1, int(n))))
		require.NoError(t, os.MkdirAll(parent, 0o755))
		require.NoError(t, im.Flush(t.Context()))
		writes.Store(0)
		failAt.Store(n)
		err := im.Image(filepath.Join(parent, "files"))
		reached := writes.Load() >= n
		failAt.Store(0)
		require.NoError(t, os.RemoveAll(parent))
		if !reached {
			require.NoError(t, err)
			break
		}
		if err != nil {
			require.ErrorIs(t, err, syscall.ENOSPC)
			failed++
		}
	}
	require.Greater(t, failed, 5)
	require.NoError(t, s.Commit(numbered(2, 1)))
}

// Images that are taken while several goroutines commit hold each commit whole or not at all.
func TestImageOfOneMoment(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "store")
	s, err := pebble.Backend(quiet, pebble.IngestOver(150, 0)).Open(dir, 4<<20)
	require.NoError(t, err)
	defer func() { require.NoError(t, s.Close()) }()
	im := s.(state.Imager)
	stop := make(chan struct{})
	var group sync.WaitGroup
	for w := range 3 {
		group.Go(func() {
			for n := 1; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				if err := s.Commit(numbered(w, n)); err != nil {
					t.Errorf("commit: %v", err)
					return
				}
			}
		})
	}
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "image"), 0o755))
	for range 5 {
		image := filepath.Join(dir, "image", "files")
		require.NoError(t, im.Flush(t.Context()))
		require.NoError(t, im.Image(image))
		copied, err := pebble.Backend(quiet).Open(image, 4<<20)
		require.NoError(t, err)
		for w := range 3 {
			seen := map[string]int{}
			require.NoError(t, copied.Scan([]byte{byte('0' + w), '/'}, []byte{byte('0' + w), '0'}, func(_, v []byte) bool {
				seen[string(v[:6])]++
				return true
			}))
			require.LessOrEqual(t, len(seen), 1, "%v", seen)
			for _, n := range seen {
				require.Equal(t, numberedKeys, n)
			}
		}
		require.NoError(t, copied.Close())
		require.NoError(t, os.RemoveAll(image))
	}
	close(stop)
	group.Wait()
}

package checkpoint_test

import (
	"context"
	"errors"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/internal/nightly"
	"github.com/millrace/millrace/state/checkpoint"
	"github.com/millrace/millrace/state/pebble"
)

// dying is a place whose connection ends with one of its writes, done or not, as with a crash.
type dying struct {
	checkpoint.Storage
	left atomic.Int64
	done bool // the last write reaches the place
}

var errDied = errors.New("the process died")

func (d *dying) write(ctx context.Context, f func() error) error {
	if n := d.left.Add(-1); n < 0 || n == 0 && !d.done {
		return errDied
	}
	if err := f(); err != nil || d.left.Load() > 0 {
		return err
	}
	return errDied
}

func (d *dying) Put(ctx context.Context, name string, data []byte, tag string) error {
	return d.write(ctx, func() error { return d.Storage.Put(ctx, name, data, tag) })
}

func (d *dying) Upload(ctx context.Context, name, path string, size int64) error {
	return d.write(ctx, func() error { return d.Storage.Upload(ctx, name, path, size) })
}

func (d *dying) Remove(ctx context.Context, name string) error {
	return d.write(ctx, func() error { return d.Storage.Remove(ctx, name) })
}

// A keeper that dies with any of its writes leaves checkpoints that are whole, and the next one leaves no file that none of them needs.
func TestKeeperDiesAnywhere(t *testing.T) {
	points := int64(0)
	for _, done := range []bool{false, true} {
		for at := int64(1); ; at += int64(nightly.Pick(3, 1)) {
			root := filepath.Join(t.TempDir(), "place")
			place := checkpoint.Directory(root)
			a := checkpoint.Open(place)
			r := start(t, pebble.Backend(), "shop")
			var last map[string]string
			taken := int64(0)
			k := checkpoint.NewKeeper(place, checkpoint.Keep(2))
			for n := range 3 {
				r.commit(n*10, 300)
				taken = r.take(k).Number
				last = content(t, r.store)
			}
			d := &dying{Storage: place, done: done}
			d.left.Store(at)
			r.commit(5, 300)
			ctx, cancel := context.WithCancel(t.Context())
			cancelOnDeath := &cancelling{d, cancel}
			i, err := checkpoint.NewKeeper(cancelOnDeath, checkpoint.Keep(2)).Take(ctx, r.moment())
			cancel()
			number, lerr := a.Latest(t.Context())
			require.NoError(t, lerr)
			if number == taken {
				require.Error(t, err)
				require.Equal(t, last, restored(t, a, number, pebble.Backend()))
			} else {
				require.Equal(t, content(t, r.store), restored(t, a, number, pebble.Backend()))
			}
			list, lerr := a.List(t.Context())
			require.NoError(t, lerr)
			for _, l := range list {
				_, err := a.Verify(t.Context(), l.Number)
				require.NoError(t, err, "died at write %d", at)
			}
			points++
			// Whatever happened, a process that begins anew tidies up.
			r.commit(6, 300)
			r.take(checkpoint.NewKeeper(place, checkpoint.Keep(1)))
			number, lerr = a.Latest(t.Context())
			require.NoError(t, lerr)
			m, lerr := a.Verify(t.Context(), number)
			require.NoError(t, lerr)
			needed := map[string]bool{}
			for _, f := range m.Files {
				needed[f.SHA256] = true
			}
			require.Equal(t, needed, stored(t, root))
			if err == nil && i.Warning == nil {
				break
			}
		}
	}
	require.Greater(t, points, int64(4))
	nightly.Record(t, nightly.Figures{Part: "checkpoints: the keeper dies at a write", CrashPoints: points})
}

// cancelling ends the context with the death, so that nothing is tried again.
type cancelling struct {
	*dying
	cancel context.CancelFunc
}

func (c *cancelling) stop(err error) error {
	if errors.Is(err, errDied) {
		c.cancel()
	}
	return err
}

func (c *cancelling) Put(ctx context.Context, name string, data []byte, tag string) error {
	return c.stop(c.dying.Put(ctx, name, data, tag))
}

func (c *cancelling) Upload(ctx context.Context, name, path string, size int64) error {
	return c.stop(c.dying.Upload(ctx, name, path, size))
}

func (c *cancelling) Remove(ctx context.Context, name string) error {
	return c.stop(c.dying.Remove(ctx, name))
}

package checkpoint_test

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/millrace/millrace/internal/runtime"
	"github.com/millrace/millrace/state"
	"github.com/millrace/millrace/state/checkpoint"
	"github.com/millrace/millrace/state/checkpoint/checkpointtest"
	"github.com/millrace/millrace/state/memory"
	"github.com/millrace/millrace/state/pebble"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestDirectory(t *testing.T) {
	checkpointtest.TestStorage(t, func(t *testing.T) checkpoint.Storage {
		return checkpoint.Directory(filepath.Join(t.TempDir(), "a", "place"))
	}, checkpointtest.Traits{Large: 3 << 20})
}

var backends = []state.Backend{pebble.Backend(), memory.Backend()}

// running is a job's state, as the job keeps it.
type running struct {
	t       *testing.T
	backend state.Backend
	dir     string
	store   state.Store
	epoch   int
}

func start(t *testing.T, b state.Backend, job string) *running {
	t.Helper()
	r := &running{t: t, backend: b, dir: filepath.Join(t.TempDir(), "state")}
	store, err := b.Open(r.dir, 4<<20)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, store.Close()) })
	r.store = store
	var first state.Batch
	first.Set([]byte("mjob"), fmt.Appendf(nil, `{"Format":1,"Job":%q,"MaxParallelism":128}`, job))
	require.NoError(t, store.Commit(&first))
	return r
}

// commit writes so many keys from one on, and a checkpoint's number and position.
func (r *running) commit(from, keys int) {
	r.t.Helper()
	r.epoch++
	var b state.Batch
	for i := from; i < from+keys; i++ {
		b.Set(fmt.Appendf(nil, "s\x00\x01\x00\x00%06d", i), fmt.Appendf(nil, "value %d of checkpoint %d", i*7919, r.epoch))
	}
	b.Set([]byte("mepoch/job"), fmt.Append(nil, r.epoch))
	b.Set([]byte("msplit/clicks/0"), fmt.Appendf(nil, `{"Position":%d}`, r.epoch*100))
	b.Set([]byte("moperator/clicks"), []byte(`{"Number":0,"Shape":"source"}`))
	require.NoError(r.t, r.store.Commit(&b))
}

func (r *running) moment() runtime.ImageMoment {
	return runtime.ImageMoment{
		Job: "shop", Backend: r.backend.String(), StateDir: r.dir, Store: r.store, Now: time.Unix(1_700_000_000, 0),
		Hold: func(_ context.Context, f func() error) error { return f() },
	}
}

func (r *running) take(k *checkpoint.Keeper) runtime.Image {
	r.t.Helper()
	i, err := k.Take(r.t.Context(), r.moment())
	require.NoError(r.t, err)
	require.NoError(r.t, i.Warning)
	return i
}

// content is all of a store.
func content(t *testing.T, s state.Store) map[string]string {
	t.Helper()
	all := map[string]string{}
	require.NoError(t, s.Scan(nil, nil, func(k, v []byte) bool {
		all[string(k)] = string(v)
		return true
	}))
	return all
}

// restored is the content of a state directory that is made of a checkpoint.
func restored(t *testing.T, a *checkpoint.Archive, number int64, b state.Backend) map[string]string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "restored")
	_, err := a.Restore(t.Context(), number, "shop", b, dir)
	require.NoError(t, err)
	s, err := b.Open(dir, 0)
	require.NoError(t, err)
	defer func() { require.NoError(t, s.Close()) }()
	return content(t, s)
}

package pebble

import (
	"encoding/binary"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"
)

// TestOpeningBeginsNoCompaction opens a database that has much to compact. A restart would wait for it.
func TestOpeningBeginsNoCompaction(t *testing.T) {
	const sublevels = 40 // Pebble adds a compaction for each ten
	fs := vfs.NewMem()
	var opened atomic.Bool
	var begun atomic.Int64
	open := func(opts *pebble.Options) *pebble.DB {
		opened.Store(false)
		db, err := openDB("db", opts)
		require.NoError(t, err)
		return db
	}

	opts := tuned(fs, 0, opened.Load)
	opts.DisableAutomaticCompactions = true
	db := open(opts)
	for i := range sublevels {
		for key := range 3 {
			require.NoError(t, db.Set(binary.BigEndian.AppendUint64(nil, uint64(key)), binary.BigEndian.AppendUint64(nil, uint64(i)), nil))
		}
		require.NoError(t, db.Flush())
	}
	require.EqualValues(t, sublevels, db.Metrics().Levels[0].Sublevels)
	require.NoError(t, db.Close())

	opts = tuned(fs, 0, opened.Load)
	opts.EventListener = &pebble.EventListener{CompactionBegin: func(pebble.CompactionInfo) { begun.Add(1) }}
	db = open(opts)
	require.Zero(t, begun.Load(), "compactions that opening began")
	require.EqualValues(t, sublevels, db.Metrics().Levels[0].Sublevels)

	opened.Store(true)
	require.NoError(t, db.Set([]byte("more"), nil, nil))
	require.NoError(t, db.Flush()) // what is flushed asks for a compaction
	require.Eventually(t, func() bool { return db.Metrics().Levels[0].Sublevels < sublevels }, time.Minute, time.Millisecond, "compactions go on once it is open")
	require.Positive(t, begun.Load())
	require.NoError(t, db.Close())
}

package metamorphic

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	sinkmemory "github.com/millrace/millrace/sink/memory"
	"github.com/millrace/millrace/source/memory"
	"github.com/millrace/millrace/stream"
	"github.com/millrace/millrace/watermark"
)

// A job that was finished, but could not show the rows of its last checkpoint, shows them when it is started again.
func TestLastRowsAreShownAfterTheEnd(t *testing.T) {
	for range 5 { // sometimes an earlier checkpoint covers the rows
		dir, rows := t.TempDir(), &sinkmemory.Committed[int64]{}
		run := func() error {
			job := stream.NewJob("numbers", stream.StateDir(dir), stream.CheckpointEvery(time.Hour), stream.Logger(quiet))
			numbers := stream.From(job, "numbers", memory.Of[int64](1, 2, 3), watermark.Monotonous(time.UnixMilli))
			stream.To(numbers, "rows", rows)
			return job.Run(context.Background())
		}
		rows.FailWhen(func(c sinkmemory.Call) error {
			if c == sinkmemory.Commit {
				return errBroken
			}
			return nil
		})
		require.ErrorIs(t, run(), errBroken)
		require.Empty(t, rows.Rows())
		rows.FailWhen(nil)
		for range 3 {
			require.NoError(t, run())
			require.Equal(t, []int64{1, 2, 3}, rows.Rows())
		}
	}
}

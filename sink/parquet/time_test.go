package parquet_test

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/sink"
	"github.com/millrace/millrace/sink/parquet"
	"github.com/millrace/millrace/sink/table"
)

func TestTimesOutOfRangeAreRefused(t *testing.T) {
	columns := table.Of(table.Key(table.Int("id", func(time.Time) int64 { return 7 })), table.Time("at", func(t time.Time) time.Time { return t }))
	e := parquet.Format(columns).Encoder()
	_, err := e.Append(nil, []sink.Row[time.Time]{{Value: time.UnixMilli(0)}, {Value: time.UnixMilli(math.MaxInt64)}})
	require.ErrorIs(t, err, table.ErrTime)
	require.ErrorContains(t, err, "row 2 of the batch: id=7: column at: ")
}

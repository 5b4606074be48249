package table_test

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/sink"
	"github.com/millrace/millrace/sink/table"
)

func TestTimesThatNoSinkHolds(t *testing.T) {
	for _, good := range []time.Time{time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC), {}, time.UnixMilli(0), time.Date(9999, 12, 31, 23, 59, 59, 999_999_999, time.UTC)} {
		require.NoError(t, table.CheckTime(good))
		require.Len(t, table.AppendTime(nil, good), len("2006-01-02T15:04:05.000000Z"))
	}
	for _, bad := range []time.Time{
		time.Date(0, 1, 1, 0, 0, 0, -1, time.UTC), time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(9999, 12, 31, 23, 0, 0, 0, time.FixedZone("west", -7200)),
		time.Date(294_277, 1, 1, 0, 0, 0, 0, time.UTC), time.UnixMilli(math.MinInt64), time.UnixMilli(math.MaxInt64), time.Unix(math.MaxInt64, 0), time.Unix(math.MinInt64, 0),
	} {
		require.ErrorIs(t, table.CheckTime(bad), table.ErrTime, "%s", bad)
	}
	column := table.Nullable(table.Time("at", func(t time.Time) time.Time { return t }), func(t time.Time) bool { return t.Year() > 9999 })
	require.NoError(t, column.Check(time.Unix(math.MaxInt64, 0)), "null is no time")
	require.ErrorIs(t, column.Check(time.UnixMilli(math.MinInt64)), table.ErrTime)
}

// Keys whose microseconds are the same number in 64 bits are still two keys.
func TestKeysOfTimesThatWrap(t *testing.T) {
	at := time.UnixMicro(17)
	far := time.Unix(at.Unix()+1<<62, int64(at.Nanosecond())) // 2^62 seconds are a multiple of 2^64 microseconds
	require.Equal(t, at.UnixMicro(), far.UnixMicro())
	last := table.NewLast(table.Of(table.Key(table.Time("at", func(t time.Time) time.Time { return t }))))
	upserts, _ := last.Split([]sink.Row[time.Time]{{Value: at}, {Value: far}, {Value: at.Add(time.Nanosecond)}})
	require.Len(t, upserts, 2)
}

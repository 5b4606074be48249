package format_test

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/sink"
	"github.com/millrace/millrace/sink/format"
	"github.com/millrace/millrace/sink/table"
)

func TestTimesOutOfRangeAreRefused(t *testing.T) {
	columns := table.Of(table.Key(table.Int("id", func(time.Time) int64 { return 7 })), table.Time("at", func(t time.Time) time.Time { return t }))
	for _, f := range []*format.Text[time.Time]{format.CSV(columns), format.JSONLines(columns)} {
		for _, bad := range []time.Time{time.Unix(math.MaxInt64, 0), time.UnixMilli(math.MinInt64), time.Date(-1, 1, 1, 0, 0, 0, 0, time.UTC)} {
			_, err := f.AppendRows(nil, []sink.Row[time.Time]{{Value: time.UnixMilli(0)}, {Value: bad}})
			require.ErrorIs(t, err, table.ErrTime, f.Name())
			require.ErrorContains(t, err, "row 2 of the batch: id=7: column at: ")
		}
	}
}

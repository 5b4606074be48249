package topic_test

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/source/kafka/topic"
)

func extent(split, id string, from, to int64) topic.Extent {
	return topic.Extent{Split: split, Incarnation: id, Earliest: from, From: from, To: to}
}

func TestUncut(t *testing.T) {
	now := []topic.Extent{extent("clicks/0", "a", 0, 5000), extent("clicks/1", "a", 1200, 5000), extent("other/0", "b", 7, 9)}
	for _, then := range [][]topic.Extent{
		nil,
		{extent("clicks/0", "a", 0, 5000)},
		{extent("clicks/0", "", 10, 20), extent("other/0", "b", 7, 7), extent("gone/0", "c", 0, 100)}, // a topic that now does not speak of
		{extent("clicks/1", "a", 1200, 4000)},  // a job that began where the log begins now
		{extent("clicks/1", "a", 700, 700)},    // and one that never read
		{extent("clicks/1", "z", 1300, 1300)},  // nothing of another topic's
		{extent("clicks/1", "a", 4000, 5000)},  // the end only
		{extent("without-number", "a", 0, 10)}, // no topic of these
	} {
		require.NoError(t, topic.Uncut(now, then), "%v", then)
	}

	err := topic.Uncut(now, []topic.Extent{extent("clicks/0", "a", 0, 4000), extent("clicks/1", "a", 0, 4000)})
	require.ErrorIs(t, err, topic.ErrCut)
	require.ErrorContains(t, err, "kafka topic clicks: the history was cut: partition 1 was read from offset 0 and begins at 1200 now: 1200 records are gone (offsets 0 to 1199). ")
	var cut *topic.CutError
	require.True(t, errors.As(err, &cut))
	require.Len(t, cut.Cuts, 1)
	require.EqualValues(t, 1200, cut.Cuts[0].Gone())

	for want, then := range map[string]topic.Extent{
		"begins at 1200 now: 500 records are gone (offsets 700 to 1199)":                       extent("clicks/1", "a", 700, 4000),
		"begins at 1200 now: 90 records are gone (offsets 10 to 99)":                           extent("clicks/1", "a", 10, 100), // all it read; what was never read is not missed
		"created again (id z, now a): all 4000 records":                                        extent("clicks/0", "z", 0, 4000),
		"partition 9 is gone, with 30 records":                                                 extent("clicks/9", "a", 10, 40),
		"partition 0 was read up to offset 5010 and ends at 5000 now: its newest 10":           extent("clicks/0", "a", 0, 5010),
		"1100 records are gone (offsets 100 to 1199), and was read up to offset 5001 and ends": extent("clicks/1", "a", 100, 5001),
	} {
		require.ErrorContains(t, topic.Uncut(now, []topic.Extent{then}), want)
	}

	var many, none []topic.Extent
	for _, n := range "01234" {
		many, none = append(many, extent("clicks/"+string(n), "a", 0, 10)), append(none, extent("clicks/"+string(n), "a", 10, 10))
	}
	err = topic.Uncut(none, many)
	require.ErrorContains(t, err, "partition 2 was read")
	require.ErrorContains(t, err, "; and 2 more partitions")
	require.NotContains(t, err.Error(), "partition 3")

	err = topic.Uncut(now, []topic.Extent{extent("clicks/1", "a", 0, 1), extent("other/0", "b", 0, 8)})
	require.ErrorContains(t, err, "topic clicks")
	require.ErrorContains(t, err, "topic other")
}

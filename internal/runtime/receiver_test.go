package runtime

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/internal/exchange"
)

// A batch is taken in portions, whose ends are where no atomic step is cut.
func TestPortion(t *testing.T) {
	batch := func(records int, more ...int) []exchange.Envelope[int] {
		b := make([]exchange.Envelope[int], records)
		for _, i := range more {
			b[i].Meta.More = true
		}
		return b
	}
	require.Equal(t, 0, portion(batch(0)))
	require.Equal(t, 1, portion(batch(1)))
	require.Equal(t, portionRecords, portion(batch(portionRecords)))
	require.Equal(t, portionRecords, portion(batch(portionRecords+1)))
	require.Equal(t, portionRecords, portion(batch(portionRecords+9, portionRecords-2)), "a step ends there")
	require.Equal(t, portionRecords+2, portion(batch(portionRecords+9, portionRecords-1, portionRecords)))
	require.Equal(t, portionRecords+1, portion(batch(portionRecords+1, portionRecords-1, portionRecords)), "a step that the batch ends in")
}

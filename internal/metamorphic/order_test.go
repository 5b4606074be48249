package metamorphic

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// Behind an operator that spreads a split's records over tasks they are not in order any more, so a key's cannot be declared to be.
func TestOneSplitPerKeyNeedsOrder(t *testing.T) {
	for seed := uint64(1); ; seed++ {
		p := newPlan(seed)
		if p.Keying != oneSplit {
			continue
		}
		p.Spread = 2
		_, err := p.try()
		require.ErrorContains(t, err, "OneSplitPerKey behind an operator with Parallelism or a Rebalance")
		p.Spread = 1
		_, err = p.try()
		require.NoError(t, err)
		return
	}
}

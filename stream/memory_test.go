package stream

import "testing"

func TestAJobsMemoryIsDividedWhole(t *testing.T) {
	for _, budget := range []int64{1 << 20, 512 << 20, 64 << 30, 1<<20 + 7} {
		s := share(budget)
		if sum := s.headroom + s.lanes + s.table + s.store; sum != budget {
			t.Errorf("the shares of %d bytes come to %d: %+v", budget, sum, s)
		}
		if s.headroom > maxHeadroom || min(s.headroom, s.lanes, s.table, s.store) < budget/1024 {
			t.Errorf("%d bytes are divided as %+v", budget, s)
		}
	}
}

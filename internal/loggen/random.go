package loggen

// random is the splitmix64 generator. Whole numbers only: floating point may differ between platforms, and a log must not.
type random uint64

func (r *random) next() uint64 {
	*r += 0x9e3779b97f4a7c15
	z := uint64(*r)
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// below is a number from 0 to n-1, for n of at least 1. The bias of the remainder is far below what a log shows.
func (r *random) below(n int64) int64 { return int64(r.next() % uint64(n)) }

// between is a number from lo to hi, both included.
func (r *random) between(lo, hi int64) int64 { return lo + r.below(hi-lo+1) }

// permille is true in n of 1,000 cases.
func (r *random) permille(n int) bool { return r.below(1000) < int64(n) }

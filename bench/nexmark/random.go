package nexmark

import "math"

// random is the linear congruential generator that Java's class library documents for java.util.Random: 48 bits of state, of which the upper ones are used.
type random struct{ state uint64 }

const (
	randomFactor = 0x5DEECE66D
	randomAddend = 0xB
	randomMask   = 1<<48 - 1
)

func seeded(seed int64) random { return random{(uint64(seed) ^ randomFactor) & randomMask} }

// bits gives the next n bits, n at most 32, as a signed number where n is 32.
func (r *random) bits(n uint) int32 {
	r.state = (r.state*randomFactor + randomAddend) & randomMask
	return int32(r.state >> (48 - n))
}

func (r *random) int32() int32 { return r.bits(32) }

// below gives a number in [0, n). n is positive.
func (r *random) below(n int32) int32 {
	if n&-n == n {
		return int32(int64(n) * int64(r.bits(31)) >> 31)
	}
	for {
		b := r.bits(31)
		v := b % n
		if b-v+(n-1) >= 0 { // else b is of the last, incomplete run of n numbers, and the sum overflows
			return v
		}
	}
}

func (r *random) int64() int64 {
	high := int64(r.bits(32)) << 32
	return high + int64(r.bits(32))
}

// below64 gives a number in [0, n). It draws once where n fits in 31 bits, and twice beyond.
func (r *random) below64(n int64) int64 {
	if n < math.MaxInt32 {
		return int64(r.below(int32(n)))
	}
	v := r.int64() % n
	return max(v, -v)
}

// unit gives a number in [0, 1).
func (r *random) unit() float64 {
	high := int64(r.bits(26)) << 27
	return float64(high+int64(r.bits(27))) * (1.0 / (1 << 53))
}

// price is 1 to 100,000,000 cents; each power of ten is as likely as the others.
func (r *random) price() int64 {
	return int64(math.Floor(math.Pow(10, r.unit()*6)*100 + 0.5))
}

package runtime

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A class is bounded by a quarter more than what is in it at least, and classes follow one another without a gap.
func TestPauseClasses(t *testing.T) {
	last := 0
	for us := range uint64(1 << 16) {
		c := pauseClass(us)
		if bound := pauseBound(c); c != last && c != last+1 || bound <= us || bound > max(us+1, us+us/4) {
			t.Fatalf("%d µs are in class %d, bounded by %d µs, after class %d", us, c, bound, last)
		}
		last = c
	}
	require.Equal(t, PauseClasses-1, pauseClass(16*60*1e6))
	require.Equal(t, PauseClasses-1, pauseClass(1<<63))
}

func TestPauseQuantiles(t *testing.T) {
	var p PauseStatus
	require.Zero(t, p.Quantile(0.99))
	for us := range 1000 {
		p.Count++
		p.Classes[pauseClass(uint64(us))]++
		p.Longest = time.Duration(us) * time.Microsecond
	}
	require.Equal(t, 512*time.Microsecond, p.Quantile(0.5))
	require.Equal(t, 999*time.Microsecond, p.Quantile(0.99), "never more than the longest")
}

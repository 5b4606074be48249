package topic

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// FuzzSpan takes any text for a retention: it is refused with the text, or is a span that its own text stands for, and that a topic can be declared with.
func FuzzSpan(f *testing.F) {
	for _, s := range []string{"forever", "7y", "1y6w", "90d", "36h", "1.5ms", "292y", "9223372036854775807y", "-1h", "1d-1h", "", "0s", "1ns", "\xff", "1e9h", "２h"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		d, err := ParseSpan(text)
		if err != nil {
			require.ErrorContains(t, err, "such as 7y")
			return
		}
		require.True(t, d == Forever || d >= time.Millisecond)
		again, err := ParseSpan(FormatSpan(d))
		require.NoError(t, err)
		require.Equal(t, d, again)
		require.NoError(t, Spec{Name: "t", Partitions: 1, Retention: d}.validate())
	})
}

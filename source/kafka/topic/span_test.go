package topic_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/source/kafka/topic"
)

func TestParseSpan(t *testing.T) {
	const day = 24 * time.Hour
	for text, want := range map[string]time.Duration{
		"forever": topic.Forever, "7y": 7 * 365 * day, "90d": 90 * day, "6w": 42 * day, "1y6w2d": (365 + 44) * day, "36h": 36 * time.Hour, "1d12h30m": 36*time.Hour + 30*time.Minute,
		"250ms": 250 * time.Millisecond, "292y": 292 * 365 * day,
	} {
		got, err := topic.ParseSpan(text)
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
	}
	for _, text := range []string{"", "7", "y", "-7y", "7y-1h", "7Y", "seven", "293y", "99999999999999999999d", "292y90000000h", "0d", "1us", "for ever", "1h7y"} {
		_, err := topic.ParseSpan(text)
		require.ErrorContains(t, err, "write forever, or a span such as 7y", text)
	}
}

func TestFormatSpan(t *testing.T) {
	for want, d := range map[string]time.Duration{"forever": topic.Forever, "7y": 7 * 365 * 24 * time.Hour, "90d": 90 * 24 * time.Hour, "36h0m0s": 36 * time.Hour, "0s": 0} {
		require.Equal(t, want, topic.FormatSpan(d))
	}
	for _, text := range []string{"forever", "7y", "90d", "14h30m0s"} {
		d, err := topic.ParseSpan(text)
		require.NoError(t, err)
		require.Equal(t, text, topic.FormatSpan(d))
	}
}

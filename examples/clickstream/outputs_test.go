package main

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/window"
)

func TestQuote(t *testing.T) {
	require.Equal(t, "--sink=csv:a/b.csv", quote("--sink=csv:a/b.csv"))
	require.Equal(t, `'sqlite:a?table=it'\''s'`, quote("sqlite:a?table=it's"))
}

func TestHourlyMetrics(t *testing.T) {
	var m HourlyMetrics
	abandoned := Session{DurationMs: 100, AddToCarts: 2, Abandoned: 1}
	bought := Session{DurationMs: 300, AddToCarts: 1, Checkouts: 1}
	sum := m.Merge(m.Add(m.New(), abandoned), m.Add(m.Add(m.New(), bought), Session{DurationMs: 200}))
	require.Equal(t, HourMetrics{WindowStart: 7, Sessions: 3, WithCart: 2, Abandoned: 1, AbandonmentRate: 0.5, MeanDurationMs: 200}, m.Result(struct{}{}, window.TimeWindow{Start: 7}, sum))
	require.Equal(t, totals{sessions: 1, durationMs: 200}, m.Retract(m.Retract(sum, abandoned), bought))
	require.Equal(t, HourMetrics{}, m.Result(struct{}{}, window.TimeWindow{}, m.New()))

	code := m.Codec()
	b, err := code.Append([]byte("x"), sum)
	require.NoError(t, err)
	back, err := code.Decode(b[1:])
	require.NoError(t, err)
	require.Equal(t, sum, back)
	for i := range len(b) - 1 {
		_, err := code.Decode(b[1 : 1+i])
		require.Error(t, err)
	}
	_, err = code.Decode(append(b[1:], 0))
	require.Error(t, err)
}

package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/codec"
	"github.com/millrace/millrace/sink/memory"
	"github.com/millrace/millrace/source/file"
	"github.com/millrace/millrace/stream"
	"github.com/millrace/millrace/stream/streamtest"
)

var noon = time.Date(2024, 3, 1, 12, 0, 0, 0, time.UTC)

func at(minutes int) time.Time { return noon.Add(time.Duration(minutes) * time.Minute) }

// watch is a CartWatch under test, and do an action of a user.
func watch(t *testing.T) (h *streamtest.Harness[Action, Alert], do func(user, kind string, minute int)) {
	h = streamtest.Keyed(t, func(a Action) string { return a.User }, stream.PerTask(func() *CartWatch { return &CartWatch{Patience: 30 * time.Minute} }))
	return h, func(user, kind string, minute int) { h.Push(Action{user, kind, at(minute)}, at(minute)) }
}

func TestCartIsLeft(t *testing.T) {
	h, do := watch(t)
	do("ann", "add", 0)
	do("bob", "add", 5)
	do("ann", "add", 10)
	do("bob", "checkout", 20)
	h.Watermark(at(29))
	require.Empty(t, h.Take())
	h.Watermark(at(30))
	require.Equal(t, []string{"ann left a cart of 2 since 2024-03-01T12:00:00Z"}, texts(h.Take()))
	h.Watermark(at(100))
	require.Empty(t, h.Take())
}

func TestActionComesBeforeTimer(t *testing.T) {
	h, do := watch(t)
	do("ann", "add", 0)
	do("ann", "add", 31) // a new cart
	require.Equal(t, []string{"ann left a cart of 1 since 2024-03-01T12:00:00Z"}, texts(h.Take()))
	do("ann", "checkout", 61) // in time to the minute
	h.End()
	require.Empty(t, h.Take())
}

func TestCartSurvivesRestart(t *testing.T) {
	h, do := watch(t)
	do("ann", "add", 0)
	snapshot := h.Snapshot()
	do("ann", "checkout", 1)
	h.Restore(snapshot)
	h.Watermark(at(30))
	require.Equal(t, []string{"ann left a cart of 1 since 2024-03-01T12:00:00Z"}, texts(h.Take()))
}

func TestSample(t *testing.T) {
	job := stream.NewJob("alerts")
	var alerts memory.List[Alert]
	watchCarts(job, file.JSONLines(codec.JSON[Action](1), "sample.jsonl"), &alerts)
	streamtest.Run(t, job)
	require.Equal(t, []string{"ann left a cart of 2 since 2024-03-01T12:00:00Z"}, texts(alerts.Rows()))
}

func texts(alerts []Alert) (lines []string) {
	for _, a := range alerts {
		lines = append(lines, a.String())
	}
	return lines
}

package screen

import (
	"bytes"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestLines(t *testing.T) {
	var out bytes.Buffer
	s := New(&out)
	require.Equal(t, lineEvery, s.Every())
	b := s.Begin("Reading")
	b.Set(Progress{Done: 250, Total: 1000, Note: "slowly"})
	b.Set(Progress{Done: 250, Total: 1000})
	_, err := s.Write([]byte("a message\n"))
	require.NoError(t, err)
	b.Done(Progress{Done: 1000, Total: 1000})
	require.Equal(t, "Reading: 25 % (250 of 1,000), slowly\na message\nReading: 100 % (1,000 of 1,000)\n", out.String())
}

func TestBarOnTerminal(t *testing.T) {
	var out bytes.Buffer
	s := &Screen{out: &out, terminal: true}
	require.Equal(t, barEvery, s.Every())
	b := s.Begin("Reading")
	b.Set(Progress{Done: 500, Total: 1000})
	half := "Reading  " + "███████████████" + "░░░░░░░░░░░░░░░" + "  50 %  "
	require.Equal(t, "\r"+half+clearRest, out.String())
	out.Reset()
	_, err := s.Write([]byte("a message\n"))
	require.NoError(t, err)
	require.Equal(t, "\r"+clearRest+"a message\n\r"+half+clearRest, out.String(), "the bar stays below messages")
	out.Reset()
	b.Done(Progress{Done: 1000, Total: 1000})
	require.Contains(t, out.String(), "100 %")
	out.Reset()
	_, err = s.Write([]byte("after\n"))
	require.NoError(t, err)
	require.Equal(t, "after\n", out.String())
}

func TestSpeed(t *testing.T) {
	b := New(&bytes.Buffer{}).Begin("x")
	b.first = 0
	at := func(d time.Duration) time.Time { return b.begun.Add(d) }
	require.Equal(t, "100 events/s, 30s left", b.speed(Progress{Done: 1000, Total: 4000, Events: 1000}, at(10*time.Second)))
	require.Equal(t, "1,000 events/s", b.speed(Progress{Done: 1000, Events: 1000}, at(time.Second)))
	require.Equal(t, "500 events/s", b.speed(Progress{Done: 1000, Events: 1000}, at(2*time.Second)))
	require.Equal(t, "0 events/s, idle", b.speed(Progress{Done: 1000, Events: 1000, Note: "idle"}, at(1000*time.Second)), "what was long ago does not count")
}

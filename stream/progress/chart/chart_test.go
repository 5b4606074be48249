package chart_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/stream/progress"
	"github.com/millrace/millrace/stream/progress/chart"
)

// replay is a history of 150 s at 200,000 a second, falling to the live rate of 2,000; live one of a steady job beside it.
func replay() (replay, live progress.History) {
	replay, live = progress.History{Name: "replay v2"}, progress.History{Name: "live v1"}
	var events, steady int64
	for i := range int64(400) {
		at := 1_800_000_000_000 + 1000*i
		rate := int64(2_000)
		if i < 150 {
			rate = 200_000 + 30_000*((i*7919)%11-5)/5
		}
		events += rate
		replay.Points = append(replay.Points, progress.Point{At: at, Events: events, Live: 1_000 + float64(i)})
	}
	for i := range int64(1000) {
		steady += 2_000 + 150*((i*104729)%13-6)/6
		live.Points = append(live.Points, progress.Point{At: 1_800_000_000_000 + 1000*(i-500), Events: steady, Live: 2_000, Read: steady, Total: steady})
	}
	replay.Marks = []progress.Mark{{At: replay.Points[0].At, Kind: progress.Started}, {At: replay.Points[70].At, Kind: progress.Changed, Note: "rate limit off"}, {At: replay.Points[150].At, Kind: progress.CaughtUp}}
	return replay, live
}

func TestSpike(t *testing.T) {
	r, live := replay()
	var svg bytes.Buffer
	require.NoError(t, chart.Write(&svg, "svg", chart.Options{}, live, r))
	text := words(t, svg.Bytes())
	for _, want := range []string{
		"Throughput of replay v2 and live v1", "events per second, logarithmic", "time since it began (min:s)", "live rate (growth of the log)", "replay v2", "live v1",
		"started", "caught up", "rate limit off", "1k", "100k", "0:00", "2:00",
	} {
		require.Contains(t, text, want)
	}
	require.Regexp(t, "replay v2: .*, live rate 2k/s, so the peak is 114 times it", strings.Join(text, "\n"), "as the live job knows it")
	var picture bytes.Buffer
	require.NoError(t, chart.Write(&picture, "png", chart.Options{}, live, r))
	img, err := png.Decode(&picture)
	require.NoError(t, err)
	require.Equal(t, 1320, img.Bounds().Dx())
	if dir := os.Getenv("MILLRACE_KEEP_CHARTS"); dir != "" { // to look at them
		require.NoError(t, os.WriteFile(filepath.Join(dir, "spike.svg"), svg.Bytes(), 0o600))
		f, err := os.Create(filepath.Join(dir, "spike.png"))
		require.NoError(t, err)
		require.NoError(t, chart.Write(f, "png", chart.Options{}, live, r))
		require.NoError(t, f.Close())
		f, err = os.Create(filepath.Join(dir, "linear.png"))
		require.NoError(t, err)
		short := r
		short.Points, short.Marks = r.Points[:150], append(r.Marks[:1:1], progress.Mark{At: r.Points[149].At, Kind: progress.Ended})
		require.NoError(t, chart.Write(f, "png", chart.Options{Scale: chart.Linear, Title: "A bounded replay"}, short))
		require.NoError(t, f.Close())
	}
}

// words are the texts of an SVG, which has to be well-formed.
func words(t *testing.T, svg []byte) (out []string) {
	t.Helper()
	d := xml.NewDecoder(bytes.NewReader(svg))
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return out
		}
		require.NoError(t, err)
		if c, ok := token.(xml.CharData); ok {
			out = append(out, string(c))
		}
	}
}

func TestScales(t *testing.T) {
	r, _ := replay()
	for scale, log := range map[chart.Scale]bool{chart.Auto: true, chart.Linear: false, chart.Log: true} {
		var svg bytes.Buffer
		require.NoError(t, chart.Write(&svg, "svg", chart.Options{Scale: scale}, r))
		require.Equal(t, log, bytes.Contains(svg.Bytes(), []byte("logarithmic")), scale)
	}
	r.Points = r.Points[:150]
	for i := range r.Points {
		r.Points[i].Live = 0 // the live rate is not known
	}
	var svg bytes.Buffer
	require.NoError(t, chart.Write(&svg, "svg", chart.Options{}, r))
	require.NotContains(t, svg.String(), "logarithmic")
	require.NotContains(t, svg.String(), "live rate")
}

func TestOnlyTheLastRun(t *testing.T) {
	r, _ := replay()
	var events int64
	for i := range int64(10) {
		events += 1000
		last := r.Points[399]
		r.Points = append(r.Points, progress.Point{At: last.At + 100_000_000 + i, Run: 1, Events: last.Events + events})
	}
	var svg bytes.Buffer
	require.NoError(t, chart.Write(&svg, "svg", chart.Options{}, r))
	require.Contains(t, svg.String(), "9k events")
	svg.Reset()
	require.NoError(t, chart.Write(&svg, "svg", chart.Options{Whole: true}, r))
	require.NotContains(t, svg.String(), "9k events")
}

func TestNothingToDraw(t *testing.T) {
	for _, histories := range [][]progress.History{nil, {{Name: "x"}}, {{Name: "x", Points: []progress.Point{{At: 1}}}}, {{Name: "x", Points: []progress.Point{{At: 1}, {At: 2000}}}}} {
		require.ErrorIs(t, chart.Write(io.Discard, "svg", chart.Options{}, histories...), chart.ErrEmpty)
	}
	_, err := chart.Format("replay.gif")
	require.ErrorIs(t, err, chart.ErrFormat)
	r, _ := replay()
	require.ErrorIs(t, chart.Write(io.Discard, "gif", chart.Options{}, r), chart.ErrFormat)
}

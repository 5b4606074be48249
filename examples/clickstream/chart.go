package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/millrace/millrace/stream/progress"
	"github.com/millrace/millrace/stream/progress/chart"
)

// chartOptions are the flags of chart.
type chartOptions struct {
	data    string
	out     string
	history []string
	title   string
	scale   string
	whole   bool
}

func newChart(p *program) *cobra.Command {
	var o chartOptions
	cmd := &cobra.Command{
		Use:   "chart",
		Short: "Draw the throughput of jobs over time",
		Long: `Draw how many events per second jobs read, over time, as SVG or PNG: a replay, which rises high above the live rate and falls to it when it
has caught up, or to zero at its end. The dashed line is the live rate, the growth of the topic.

What a job's throughput was is in DATA/history/GROUP.jsonl, also while it runs. The steepest of the histories is the subject; the others are drawn beside
it, as far as they lie in its time.`,
		Example: `  clickstream chart --out replay.svg
  clickstream chart --out replay.png --history data/history/live.jsonl --history data/history/replay-v2.jsonl --scale log`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { return p.chart(o) },
	}
	f := cmd.Flags()
	f.StringVar(&o.data, "data", "data", "directory whose histories are drawn, DATA/history/*.jsonl")
	f.StringVar(&o.out, "out", "", "the picture, a .svg or .png file; one that exists is replaced")
	f.StringArrayVar(&o.history, "history", nil, "a history to draw, instead of all in DATA; may be given several times")
	f.StringVar(&o.title, "title", "", "title of the picture (default the names of the groups)")
	f.StringVar(&o.scale, "scale", "auto", "scale of events per second: linear, log, or auto, which is log where the peak is more than 20 times the live rate")
	f.BoolVar(&o.whole, "whole", false, "all of a history and not only its last run")
	_ = cmd.MarkFlagRequired("out") // the flag exists
	return cmd
}

func (p *program) chart(o chartOptions) error {
	format, err := chart.Format(o.out)
	if err != nil {
		return fmt.Errorf("--out %w", err)
	}
	scale := chart.Scale(o.scale)
	if scale != chart.Auto && scale != chart.Linear && scale != chart.Log {
		return fmt.Errorf("--scale %s: use auto, linear or log", o.scale)
	}
	paths := o.history
	if len(paths) == 0 {
		pattern := filepath.Join(o.data, historyDir, "*.jsonl")
		if paths, err = filepath.Glob(pattern); err != nil {
			return err
		}
		if len(paths) == 0 {
			return fmt.Errorf("there is no history in %s: run a job with this --data first, or name files by --history", filepath.Dir(pattern))
		}
	}
	var histories []progress.History
	for _, path := range paths {
		h, err := progress.Load(path)
		if err != nil {
			return err
		}
		histories = append(histories, h)
	}
	var picture bytes.Buffer
	if err := chart.Write(&picture, format, chart.Options{Title: o.title, Scale: scale, Whole: o.whole}, histories...); err != nil {
		return err
	}
	if err := os.WriteFile(o.out, picture.Bytes(), 0o644); err != nil {
		return err
	}
	p.say("Drawn to %s, from %d histories.", o.out, len(histories))
	return nil
}

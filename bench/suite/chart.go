package main

import (
	"bytes"
	"fmt"
	"image/color"
	"os"
	"path/filepath"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"

	"github.com/millrace/millrace/internal/typeface"
)

var (
	accent = color.RGBA{0x1d, 0x6f, 0xd1, 0xff} // ours
	other  = color.RGBA{0x9a, 0xa3, 0xad, 0xff}
)

// draw writes the part's chart: a bar for each variant's median, ours in another colour.
func (p part) draw(samples []Sample, path string) error {
	plot.DefaultFont, plotter.DefaultFont = typeface.Sans, typeface.Sans
	pl := plot.New()
	pl.X.Label.Text = p.chart
	pl.X.Min = 0
	var names []string
	longest := 0
	for i := range p.variants {
		v := p.variants[len(p.variants)-1-i] // from the bottom up
		s := spreadOf(of(samples, v.name), p.chart)
		if s.n == 0 {
			continue
		}
		bar, err := plotter.NewBarChart(plotter.Values{s.median}, vg.Points(16))
		if err != nil {
			return err
		}
		bar.Horizontal, bar.XMin, bar.LineStyle.Width, bar.Color = true, float64(len(names)), 0, other
		if strings.HasPrefix(v.name, "Millrace") {
			bar.Color = accent
		}
		label, err := plotter.NewLabels(plotter.XYLabels{XYs: plotter.XYs{{X: s.median, Y: float64(len(names))}}, Labels: []string{" " + short(s.median)}})
		if err != nil {
			return err
		}
		label.TextStyle[0].YAlign = -0.5
		pl.Add(bar, label)
		pl.X.Max = max(pl.X.Max, s.median*1.12)
		names = append(names, v.name)
		longest = max(longest, len(v.name))
	}
	pl.Y.Padding += vg.Points(0.8 * float64(longest)) // room for a wider font
	pl.NominalY(names...)
	pl.Y.Min, pl.Y.Max = -0.6, float64(len(names))-0.4
	pl.X.Tick.Marker = shortTicks{}
	width, height := 10*vg.Inch, vg.Points(70+26*float64(len(names)))
	canvas := vgsvg.New(width, height)
	pl.Draw(draw.Crop(draw.New(canvas), 0, -vg.Points(8), 0, 0))
	var svg bytes.Buffer
	if _, err := canvas.WriteTo(&svg); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, typeface.InSVG(svg.Bytes()), 0o644)
}

// shortTicks are the usual ticks with short numbers.
type shortTicks struct{}

func (shortTicks) Ticks(low, high float64) []plot.Tick {
	ticks := plot.DefaultTicks{}.Ticks(low, high)
	for i := range ticks {
		if ticks[i].Label != "" {
			ticks[i].Label = fmt.Sprint(short(ticks[i].Value))
		}
	}
	return ticks
}

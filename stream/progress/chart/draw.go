package chart

import (
	"image/color"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/millrace/millrace/internal/typeface"
)

// Colours, chosen to be told apart without red and green.
var (
	ink    = color.RGBA{0x1f, 0x29, 0x33, 0xff}
	muted  = color.RGBA{0x61, 0x6e, 0x7c, 0xff}
	faint  = color.RGBA{0xe4, 0xe7, 0xeb, 0xff}
	blue   = color.RGBA{0x1d, 0x6f, 0xd1, 0xff}
	wash   = color.NRGBA{0x1d, 0x6f, 0xd1, 0x2e}
	orange = color.RGBA{0xd9, 0x6b, 0x0c, 0xff}
	others = []color.Color{orange, color.RGBA{0x7b, 0x3f, 0xa8, 0xff}, color.RGBA{0x0d, 0x7d, 0x7d, 0xff}, color.RGBA{0x8a, 0x6d, 0x1a, 0xff}}
)

func style(size vg.Length, c color.Color) text.Style {
	return text.Style{Color: c, Font: font.From(typeface.Sans, size), Handler: plot.DefaultTextHandler}
}

// lay draws the title, the legend, the words of the marks, and below them the plot.
func (v *view) lay(c draw.Canvas) {
	c.SetColor(color.White)
	c.Fill(c.Rectangle.Path())
	c = draw.Crop(c, 14, -22, 12, -14)
	top := c.Max.Y
	title, sub := style(15, ink), style(10.5, muted)
	title.YAlign, sub.YAlign = draw.YTop, draw.YTop
	c.FillText(title, vg.Point{X: c.Min.X, Y: top}, v.title)
	c.FillText(sub, vg.Point{X: c.Min.X, Y: top - 21}, v.subtitle)
	v.legend(c, vg.Point{X: c.Min.X, Y: top - 46})
	c = draw.Crop(c, 0, 0, 0, -76)
	label := style(11.5, ink)
	label.Rotation, label.XAlign, label.YAlign = math.Pi/2, draw.XCenter, draw.YTop
	c.FillText(label, vg.Point{X: c.Min.X, Y: (c.Min.Y + 40 + c.Max.Y) / 2}, v.unit()) // plot would keep room for it as if a logarithmic axis were linear
	v.plot().Draw(draw.Crop(c, 20, 0, 0, 0))
}

// legend is a row of thumbnails and names.
func (v *view) legend(c draw.Canvas, at vg.Point) {
	names := style(11, ink)
	names.YAlign = draw.YCenter
	entry := func(s draw.LineStyle, filled bool, name string) {
		const thumb = 22
		if filled {
			c.FillPolygon(wash, []vg.Point{at, {X: at.X + thumb, Y: at.Y}, {X: at.X + thumb, Y: at.Y - 6}, {X: at.X, Y: at.Y - 6}})
		}
		c.StrokeLine2(s, at.X, at.Y, at.X+thumb, at.Y)
		c.FillText(names, vg.Point{X: at.X + thumb + 6, Y: at.Y}, name)
		at.X += thumb + 6 + names.Width(name) + 22
	}
	for i := range v.lines {
		i = (i + len(v.lines) - 1) % len(v.lines) // the subject first
		entry(v.stroke(i), v.lines[i].subject, v.lines[i].name)
	}
	if len(v.live) > 1 {
		entry(liveStroke, false, "live rate (growth of the log)")
	}
}

var liveStroke = draw.LineStyle{Color: ink, Width: 1.2, Dashes: []vg.Length{5, 4}}

// stroke is how a line is drawn.
func (v *view) stroke(i int) draw.LineStyle {
	if v.lines[i].subject {
		return draw.LineStyle{Color: blue, Width: 2}
	}
	return draw.LineStyle{Color: others[i%len(others)], Width: 1.6}
}

// plot makes the plot of a view.
func (v *view) plot() *plot.Plot {
	p := plot.New()
	p.BackgroundColor = nil
	v.axes(p)
	grid := plotter.NewGrid()
	grid.Vertical.Color, grid.Horizontal.Color = faint, faint
	p.Add(grid)
	for i, l := range v.lines {
		for _, part := range l.parts {
			curve := &plotter.Line{XYs: v.clip(part), LineStyle: v.stroke(i)}
			if l.subject {
				curve.FillColor = wash
			}
			p.Add(&area{curve, v.low})
		}
	}
	if len(v.live) > 1 {
		p.Add(&plotter.Line{XYs: v.clip(v.live), LineStyle: liveStroke})
	}
	p.Add(&notes{v})
	p.X.Min, p.X.Max, p.Y.Min, p.Y.Max = v.from, v.to, v.low, v.high
	return p
}

// clip keeps points at or above the axis: zero has no place on a logarithmic one.
func (v *view) clip(points []point) plotter.XYs {
	out := make(plotter.XYs, len(points))
	for i, p := range points {
		out[i] = plotter.XY{X: p.x, Y: max(p.y, v.low)}
	}
	return out
}

func (v *view) axes(p *plot.Plot) {
	for _, a := range []*plot.Axis{&p.X, &p.Y} {
		a.Color, a.Tick.Color = muted, muted
		align := a.Tick.Label
		a.Tick.Label = style(11, ink)
		a.Tick.Label.XAlign, a.Tick.Label.YAlign = align.XAlign, align.YAlign
		label := a.Label.TextStyle
		a.Label.TextStyle = style(11.5, ink)
		a.Label.TextStyle.XAlign, a.Label.TextStyle.YAlign = label.XAlign, label.YAlign
		a.Label.Padding, a.Padding = 6, 0
	}
	p.X.Tick.Marker = timeTicks{}
	p.X.Label.Text = "time since it began" + timeUnit(v.to-v.from)
	p.Y.Tick.Marker = rateTicks{log: v.log}
	if v.log {
		p.Y.Scale = plot.LogScale{}
	}
}

// unit is what the vertical axis says.
func (v *view) unit() string {
	if v.log {
		return "events per second, logarithmic"
	}
	return "events per second"
}

// area is a line whose fill ends at the axis: plotter.Line fills down to the least y of the plot only where the scale is linear.
type area struct {
	*plotter.Line
	low float64
}

// Plot implements plot.Plotter.
func (a *area) Plot(c draw.Canvas, p *plot.Plot) {
	if a.FillColor != nil {
		x, y := p.Transforms(&c)
		first, last := a.XYs[0], a.XYs[len(a.XYs)-1]
		poly := []vg.Point{{X: x(first.X), Y: y(a.low)}}
		for _, q := range a.XYs {
			poly = append(poly, vg.Point{X: x(q.X), Y: y(q.Y)})
		}
		poly = append(poly, vg.Point{X: x(last.X), Y: y(a.low)})
		c.FillPolygon(a.FillColor, c.ClipPolygonXY(poly))
	}
	outline := *a.Line
	outline.FillColor = nil
	outline.Plot(c, p)
}

// notes are the marks, as hairlines with words above the plot, and the peak.
type notes struct{ v *view }

// Plot implements plot.Plotter.
func (n *notes) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	words := style(10, muted)
	words.XAlign, words.YAlign = draw.XCenter, draw.YBottom
	free := []vg.Length{-1000, -1000} // where each of two rows of words ends
	for _, m := range n.v.marks {
		at := x(m.x)
		if at < c.Min.X-1 || at > c.Max.X+1 {
			continue
		}
		c.StrokeLine2(draw.LineStyle{Color: muted, Width: 0.8, Dashes: []vg.Length{2, 3}}, at, c.Min.Y, at, c.Max.Y)
		half := words.Width(m.text) / 2
		middle := min(max(at, c.Min.X+half), c.Max.X-half)
		for row := range free {
			if middle-half > free[row] {
				c.FillText(words, vg.Point{X: middle, Y: c.Max.Y + 3 + 11*vg.Length(row)}, m.text)
				free[row] = middle + half + 8
				break
			}
		}
	}
	peak := vg.Point{X: x(n.v.peak.x), Y: y(n.v.peak.y)}
	c.DrawGlyph(draw.GlyphStyle{Color: blue, Radius: 3, Shape: draw.CircleGlyph{}}, peak)
	s := style(10.5, blue)
	s.XAlign, s.YAlign = draw.XLeft, draw.YBottom
	if peak.X > c.Min.X+(c.Max.X-c.Min.X)*0.7 {
		s.XAlign = draw.XRight
	}
	c.FillText(s, vg.Point{X: peak.X + 5*vg.Length(1+2*s.XAlign), Y: peak.Y + 4}, "peak "+short(n.v.peak.y)+" events/s")
}

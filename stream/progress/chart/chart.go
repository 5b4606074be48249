// Package chart draws the throughput of jobs over time, as SVG or PNG: a replay against the live rate.
//
// The picture is of the histories that package progress keeps. The steepest one is the subject: time counts from its beginning, its area is filled, and what
// happened to it is marked. The others are drawn beside it, as far as they lie in its time. A dashed line is the live rate, the growth of the log, where one of the
// histories knows it.
package chart

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
	"gonum.org/v1/plot/vg/vgsvg"

	"github.com/millrace/millrace/internal/typeface"
	"github.com/millrace/millrace/stream/progress"
)

// ErrEmpty is returned when the histories hold nothing to draw.
var ErrEmpty = errors.New("nothing to draw: the histories have no two points of one run")

// ErrFormat is returned for a file name that ends in neither .svg nor .png.
var ErrFormat = errors.New("a chart is a .svg or a .png file")

// Scale is how events per second are laid out.
type Scale string

// The scales. Auto is logarithmic where the peak is more than twenty times the live rate.
const (
	Auto   Scale = "auto"
	Linear Scale = "linear"
	Log    Scale = "log"
)

// Options are how a chart looks. The zero value is good.
type Options struct {
	Title  string        // "" for one made of the names
	Scale  Scale         // "" is Auto
	Whole  bool          // all of the subject's history, not only its last run
	Margin time.Duration // how much to show before and after the subject, where others have it; 0 for a twelfth of its time, below zero for none
}

// Size of a chart.
const (
	width  = 11 * vg.Inch
	height = 5.2 * vg.Inch
	dpi    = 120
)

// Format is the format of a file by its name, "svg" or "png".
func Format(path string) (string, error) {
	switch ext := strings.ToLower(filepath.Ext(path)); ext {
	case ".svg", ".png":
		return ext[1:], nil
	}
	return "", fmt.Errorf("%s: %w", path, ErrFormat)
}

// Write draws the histories in a format, "svg" or "png".
func Write(w io.Writer, format string, o Options, histories ...progress.History) error {
	v, err := prepare(o, histories)
	if err != nil {
		return err
	}
	if format == "svg" {
		canvas := vgsvg.NewWith(vgsvg.UseWH(width, height))
		v.lay(draw.New(canvas))
		var b bytes.Buffer
		if _, err := canvas.WriteTo(&b); err != nil {
			return err
		}
		_, err = w.Write(typeface.InSVG(b.Bytes()))
		return err
	}
	if format != "png" {
		return fmt.Errorf("%s: %w", format, ErrFormat)
	}
	canvas := vgimg.PngCanvas{Canvas: vgimg.NewWith(vgimg.UseWH(width, height), vgimg.UseDPI(dpi))}
	v.lay(draw.New(canvas))
	_, err = canvas.WriteTo(w)
	return err
}

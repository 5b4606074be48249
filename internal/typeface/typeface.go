// Package typeface is the letters of charts.
package typeface

import (
	"bytes"

	"gonum.org/v1/plot/font"
)

// Sans is what texts are laid out by: its widths are Arial's too. Where a reader's machine has neither, a text is wider by up to a seventh.
var Sans = font.Font{Typeface: "Liberation", Variant: "Sans"}

// InSVG names what stands in for Sans where that is missing, in an SVG drawn with it.
func InSVG(svg []byte) []byte {
	return bytes.ReplaceAll(svg, []byte("font-family:Liberation Sans;"), []byte("font-family:Liberation Sans,Arial,Helvetica,sans-serif;"))
}

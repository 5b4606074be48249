package compare

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"

	"github.com/millrace/millrace/sink/version"
)

// Text is the report for people.
func (r Report) Text() string {
	var b strings.Builder
	if len(r.Log) > 0 {
		fmt.Fprintf(&b, "%s and %s have not read the same part of the log, so rows may differ by that alone:\n", r.Old, r.New)
		for _, d := range r.Log {
			b.WriteString("  " + d.Text(r.Old, r.New) + "\n")
		}
		b.WriteByte('\n')
	}
	fmt.Fprintf(&b, "%s: %s has %s rows, %s has %s\n", r.Table, r.Old, comma(r.Rows.Old), r.New, comma(r.Rows.New))
	for _, c := range r.OnlyOld {
		fmt.Fprintf(&b, "column %s is only in %s\n", c, r.Old)
	}
	for _, c := range r.OnlyNew {
		fmt.Fprintf(&b, "column %s is only in %s\n", c, r.New)
	}
	if r.Equal() {
		b.WriteString("They are equal.\n")
		return b.String()
	}
	fmt.Fprintf(&b, "\nBy key (%s), %.2f %% differ:\n", strings.Join(r.Key, ", "), 100*r.Share())
	lines(&b, []line{{r.Rows.Equal, "equal"}, {r.Rows.Changed, "changed" + r.changes()}, {r.Rows.OnlyOld, "only in " + r.Old}, {r.Rows.OnlyNew, "only in " + r.New}})
	if r.Reasons != nil {
		b.WriteString("\n" + r.reasons())
	}
	r.examples(&b)
	return b.String()
}

func (r Report) changes() string {
	var parts []string
	for _, c := range r.Changes {
		parts = append(parts, c.Column+" "+comma(c.Rows))
	}
	if len(parts) == 0 {
		return ""
	}
	return ": " + strings.Join(parts, ", ")
}

// reasons says what became of the old version's intervals, in numbers that add up.
func (r Report) reasons() string {
	var b strings.Builder
	x := r.Reasons
	fmt.Fprintf(&b, "%s %s became %s:\n", comma(r.Rows.Old), r.Table, comma(r.Rows.New))
	lines(&b, []line{
		{x.Identical, "unchanged"},
		{x.Content, "with the same bounds and other values"},
		{x.Moved, "with other bounds"},
		{x.Split, "split into " + comma(x.SplitInto)},
		{x.Merged, "merged into " + comma(x.MergedInto)},
		{x.Regrouped, "regrouped into " + comma(x.RegroupedInto)},
		{x.Vanished, "vanished"},
		{x.Appeared, "appeared"},
	})
	fmt.Fprintf(&b, "%s = %s\n", comma(r.Rows.Old), sum(x.Identical, x.Content, x.Moved, x.Split, x.Merged, x.Regrouped, x.Vanished))
	fmt.Fprintf(&b, "%s = %s\n", comma(r.Rows.New), sum(x.Identical, x.Content, x.Moved, x.SplitInto, x.MergedInto, x.RegroupedInto, x.Appeared))
	return b.String()
}

// line is a number and what it counts.
type line struct {
	n    int64
	text string
}

// lines writes the lines whose number is not 0, with their numbers below each other.
func lines(b *strings.Builder, all []line) {
	width := 0
	for _, l := range all {
		width = max(width, len(comma(l.n)))
	}
	for _, l := range all {
		if l.n != 0 {
			fmt.Fprintf(b, "  %*s %s\n", width, comma(l.n), l.text)
		}
	}
}

func sum(parts ...int64) string {
	var shown []string
	for _, n := range parts {
		if n != 0 {
			shown = append(shown, comma(n))
		}
	}
	if len(shown) == 0 {
		return "0"
	}
	return strings.Join(shown, " + ")
}

// examples lists the differences as a table, each with its rows of the old and then the new version.
func (r Report) examples(b *strings.Builder) {
	if len(r.Examples) == 0 {
		return
	}
	cells := [][]string{append([]string{"", ""}, r.Columns...)}
	for _, e := range r.Examples {
		reason := e.Reason
		add := func(name string, rows [][]version.Value) {
			for _, row := range rows {
				line := []string{reason, name}
				for _, v := range row {
					line = append(line, printable(v.String()))
				}
				cells, reason = append(cells, line), ""
			}
		}
		add(r.Old, e.Old)
		add(r.New, e.New)
		if e.More > 0 {
			cells = append(cells, []string{"", "", fmt.Sprintf("and %s more", comma(e.More))})
		}
	}
	if len(r.Examples) == 1 {
		b.WriteString("\nThe first difference:\n")
	} else {
		fmt.Fprintf(b, "\nThe first %d differences:\n", len(r.Examples))
	}
	widths := make([]int, len(cells[0]))
	for _, row := range cells {
		for i, c := range row {
			widths[i] = max(widths[i], len([]rune(c)))
		}
	}
	for _, row := range cells {
		var text strings.Builder
		for i, c := range row {
			text.WriteString("  " + c + strings.Repeat(" ", widths[i]-len([]rune(c))))
		}
		b.WriteString(strings.TrimRight(text.String(), " ") + "\n")
	}
}

// printable keeps what a terminal would act on from reaching it: rows may hold anything.
func printable(text string) string {
	if strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return strconv.Quote(text)
	}
	return text
}

// comma is a number with commas between its thousands.
func comma(n int64) string {
	text := strconv.FormatInt(n, 10)
	sign := ""
	if n < 0 {
		sign, text = "-", text[1:]
	}
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return sign + text
}

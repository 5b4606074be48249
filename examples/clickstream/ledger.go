package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/dustin/go-humanize"

	"github.com/millrace/millrace/state/inspect"
	"github.com/millrace/millrace/stream"
)

// ledgerText is a ledger in words: all that was read, and where it ended.
func ledgerText(c stream.LedgerCounts) string {
	var parts []string
	for _, n := range c.Named() {
		if n.Name != "in" && n.Count != 0 {
			parts = append(parts, humanize.Comma(n.Count)+" "+strings.ReplaceAll(n.Name, "_", " "))
		}
	}
	text := humanize.Comma(c.In) + " in"
	if parts != nil {
		text += ": " + strings.Join(parts, ", ")
	}
	if d := c.Difference(); d != 0 {
		return fmt.Sprintf("%s; %d NOT ACCOUNTED FOR", text, d)
	}
	return text + "; all accounted for"
}

// listLedger prints what became of the records of each split.
func listLedger(out io.Writer, s *inspect.State) error {
	if _, err := fmt.Fprintln(out, "\nLEDGER"); err != nil {
		return err
	}
	l := s.Ledger()
	for _, e := range l {
		if _, err := fmt.Fprintf(out, "%s  %s\n", e.Split, ledgerText(e.Counts)); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(out, "all  %s\n", ledgerText(l.Total()))
	return err
}

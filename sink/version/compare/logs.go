package compare

import (
	"fmt"
	"slices"

	"github.com/millrace/millrace/sink/version"
)

// LogDifference is a split of which two versions have not read the same part. Old or New is nil when that version has read nothing of it.
type LogDifference struct {
	Split string          `json:"split"`
	Old   *version.Extent `json:"old"`
	New   *version.Extent `json:"new"`
}

// Logs compares what two versions have read, by the splits of the first and then those that only the second has.
func Logs(older, newer []version.Extent) []LogDifference {
	out := []LogDifference{}
	for _, o := range older {
		i := slices.IndexFunc(newer, func(n version.Extent) bool { return n.Split == o.Split })
		if i < 0 {
			out = append(out, LogDifference{Split: o.Split, Old: &o})
			continue
		}
		if n := newer[i]; n.From != o.From || n.To != o.To || n.Incarnation != o.Incarnation {
			out = append(out, LogDifference{Split: o.Split, Old: &o, New: &n})
		}
	}
	for _, n := range newer {
		if !slices.ContainsFunc(older, func(o version.Extent) bool { return o.Split == n.Split }) {
			out = append(out, LogDifference{Split: n.Split, New: &n})
		}
	}
	return out
}

// Text says the difference in words, with the names of the versions.
func (d LogDifference) Text(older, newer string) string {
	text := fmt.Sprintf("%s: %s read %s, %s %s", d.Split, older, part(d.Old), newer, part(d.New))
	if d.Old != nil && d.New != nil && d.Old.Incarnation != d.New.Incarnation && d.Old.Incarnation != "" && d.New.Incarnation != "" {
		text += fmt.Sprintf(", of another topic of that name (%s, %s)", d.Old.Incarnation, d.New.Incarnation)
	}
	return text
}

func part(e *version.Extent) string {
	if e == nil {
		return "nothing"
	}
	return fmt.Sprintf("offsets %s to %s", comma(e.From), comma(e.To))
}

package simulation

import (
	"fmt"
	"strconv"
	"strings"
)

// Plan is a course of events before it happens.
type Plan struct {
	Seed   uint64
	Faults int   // at most so many
	Only   []int // if not nil, of those only these, numbered from 1
	Share  int   // of each partition's records, in percent; 0 for all
	Calm   bool  // nothing fails, everyone has his turn, and no time is lost: the run that others are compared with
}

// String is the plan as ParsePlan reads it. The most faults are not part of it.
func (p Plan) String() string {
	s := fmt.Sprintf("seed=%d", p.Seed)
	if p.Only != nil {
		s += " faults=" + strings.Trim(strings.ReplaceAll(fmt.Sprint(p.Only), " ", ","), "[]")
	}
	if p.Share > 0 {
		s += fmt.Sprintf(" share=%d", p.Share)
	}
	return s
}

// ParsePlan reads "seed=17 faults=1,4 share=50": which seed; which of its faults, all if it is not said; and how many percent of each partition.
func ParsePlan(text string, most int) (Plan, error) {
	p := Plan{Faults: most}
	for field := range strings.FieldsSeq(text) {
		name, value, _ := strings.Cut(field, "=")
		var err error
		switch name {
		case "seed":
			p.Seed, err = strconv.ParseUint(value, 10, 64)
		case "share":
			p.Share, err = strconv.Atoi(value)
		case "faults":
			p.Only = []int{}
			for number := range strings.SplitSeq(value, ",") {
				if number == "" {
					continue
				}
				n, e := strconv.Atoi(number)
				if p.Only = append(p.Only, n); e != nil {
					err = e
				}
			}
		default:
			err = fmt.Errorf("there is seed, faults and share")
		}
		if err != nil {
			return p, fmt.Errorf("a course is given like \"seed=17 faults=1,4 share=50\": %q: %w", field, err)
		}
	}
	if p.Share < 0 || p.Share > 100 {
		return p, fmt.Errorf("share=%d is not a percentage", p.Share)
	}
	return p, nil
}

package simulation

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/millrace/millrace/stream"
)

// Judge compares courses of a job with its calm run.
type Judge struct {
	// T is the test, nil for none.
	T     *testing.T
	Build func(*World) *stream.Job
	// Check looks at the job's results after each course too; may be nil.
	Check func() error

	calm map[calmKey]Outcome
}

// calmKey is what the results of a calm run depend on.
type calmKey struct {
	seeded bool // the job is made by the seed
	seed   uint64
	share  int
}

// mostCalm bounds how many outcomes are kept.
const mostCalm = 20

// ErrDiffers is wrapped by the error of a course whose results are not those of the calm run.
var ErrDiffers = errors.New("the results depend on the course of events")

// Try makes a course and says what is wrong with it.
func (j *Judge) Try(p Plan) (Outcome, error) {
	calm, err := j.reference(p)
	if err != nil {
		return calm, err
	}
	out := j.run(p)
	if out.Err != nil {
		return out, out.Err
	}
	if err := differences(calm.Results, out.Results); err != nil {
		return out, fmt.Errorf("%w: %w", ErrDiffers, err)
	}
	return out, nil
}

func (j *Judge) run(p Plan) Outcome {
	t := j.T
	if t == nil {
		t = new(testing.T) // synctest wants one, and uses nothing of it but the way in
	}
	out := Run(t, p, j.Build)
	if out.Err == nil && j.Check != nil {
		out.Err = j.Check()
	}
	return out
}

// reference is the outcome of the calm run.
func (j *Judge) reference(p Plan) (Outcome, error) {
	for _, key := range []calmKey{{share: p.Share}, {true, p.Seed, p.Share}} {
		if out, ok := j.calm[key]; ok {
			return out, nil
		}
	}
	out := j.run(Plan{Seed: p.Seed, Share: p.Share, Calm: true})
	if out.Err != nil {
		return out, fmt.Errorf("without any fault: %w", out.Err)
	}
	key := calmKey{share: p.Share}
	if out.Seeded {
		key = calmKey{true, p.Seed, p.Share}
	}
	if j.calm == nil || len(j.calm) > mostCalm { // those of other seeds do not come again
		j.calm = map[calmKey]Outcome{}
	}
	j.calm[key] = out
	return out, nil
}

// Same reports whether the same happened, with the same results.
func (o Outcome) Same(as Outcome) bool {
	return o.Hash == as.Hash && differences(o.Results, as.Results) == nil
}

// shown bounds how many wrong rows an error tells of.
const shown = 6

// differences compares the results by name; rows are compared with how often they are there.
func differences(want, got map[string][]string) error {
	var all []error
	for _, name := range slices.Sorted(maps.Keys(want)) {
		count := map[string]int{}
		for _, line := range want[name] {
			count[line]++
		}
		for _, line := range got[name] {
			count[line]--
		}
		var wrong []string
		for _, line := range slices.Sorted(maps.Keys(count)) {
			switch n := count[line]; {
			case n > 0:
				wrong = append(wrong, "missing:  "+line)
			case n < 0:
				wrong = append(wrong, "too many: "+line)
			}
		}
		if len(wrong) > 0 {
			all = append(all, fmt.Errorf("%s has %d rows, %d without faults:\n  %s", name, len(got[name]), len(want[name]), strings.Join(wrong[:min(shown, len(wrong))], "\n  ")))
		}
	}
	return errors.Join(all...)
}

// shrinkFor bounds the search for a smaller course.
const shrinkFor = 20 * time.Second

// Shrink leaves out what a failing course does not need to fail: faults, then records. It returns the smallest that was found and what is wrong with it.
func (j *Judge) Shrink(p Plan, out Outcome, err error) (Plan, Outcome, error) {
	end := time.Now().Add(shrinkFor)
	try := func(q Plan) bool {
		for range 2 { // a job that depends on chance may pass once
			if time.Now().After(end) {
				return false
			}
			if o, e := j.Try(q); e != nil && !strings.HasPrefix(e.Error(), "without any fault") {
				p, out, err = q, o, e
				return true
			}
		}
		return false
	}
	if p.Only == nil {
		p.Only = []int{}
		for n := range out.Drawn {
			p.Only = append(p.Only, n+1)
		}
	}
	for before := -1; before != len(p.Only)*1000+p.Share; {
		before = len(p.Only)*1000 + p.Share
		for i := 0; i < len(p.Only); {
			q := p
			q.Only = slices.Delete(slices.Clone(p.Only), i, i+1)
			if !try(q) {
				i++
			}
		}
		for half := (p.Share + 1) / 2; half < p.Share || p.Share == 0; half = (p.Share + 1) / 2 {
			q := p
			if q.Share = half; p.Share == 0 {
				q.Share = 50
			}
			if !try(q) {
				break
			}
		}
	}
	return p, out, err
}

package state

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
)

// Fate is what becomes of a piece of state when a job goes on from it.
type Fate string

const (
	Kept     Fate = "kept"     // as it is
	Migrated Fate = "migrated" // read from an older form, and stored in the new one when it next changes
	New      Fate = "new"      // the state has nothing of it
	Dropped  Fate = "dropped"  // the job does not have it
	Changed  Fate = "changed"  // the job has something else in its place
)

// Plan says what becomes of a state when a job goes on from it: what a run of the job would do, found out without touching anything.
type Plan struct {
	Job       string         `json:"job"`
	Operators []OperatorPlan `json:"operators"` // in the job's order, then those that only the state has
	// Problems are those of the job as a whole; operators and cells have their own.
	Problems []string `json:"problems,omitempty"`
}

// OperatorPlan is what becomes of an operator's state.
type OperatorPlan struct {
	UID  string `json:"uid"`
	Fate Fate   `json:"fate"`
	// Was and Is are the definitions in the state and in the job, "" where there is none.
	Was     string     `json:"was,omitempty"`
	Is      string     `json:"is,omitempty"`
	Cells   []CellPlan `json:"cells,omitempty"`
	Note    string     `json:"note,omitempty"`    // what is allowed and worth knowing
	Problem string     `json:"problem,omitempty"` // why the job is refused, and what to do
}

// CellPlan is what becomes of one named state of an operator.
type CellPlan struct {
	Name string `json:"name"`
	Fate Fate   `json:"fate"`
	// Was are the codecs that values in the state may have been written by, oldest first; Is is the job's.
	Was     []string      `json:"was,omitempty"`
	Is      string        `json:"is,omitempty"`
	Fields  []FieldChange `json:"fields,omitempty"`
	Problem string        `json:"problem,omitempty"`
}

// FieldFate is what became of a field of a message.
type FieldFate string

const (
	FieldAdded   FieldFate = "added"   // the state does not have it: it is read as its zero value
	FieldRemoved FieldFate = "removed" // the job does not have it: it stays in the stored bytes as an unknown field, while the value is a message
	FieldChanged FieldFate = "changed" // it has another name or type, and is read all the same
	FieldMisread FieldFate = "misread" // it would be read as something else: the job is refused
)

// FieldChange is a difference between a field as it was written and as it is read.
type FieldChange struct {
	Field string    `json:"field"` // "shop.v1.Order.total = 4"
	Fate  FieldFate `json:"fate"`
	Was   string    `json:"was,omitempty"` // the field's type in the state
	Is    string    `json:"is,omitempty"`  // and in the job
	Why   string    `json:"why,omitempty"` // of what is misread
}

// String is the change in a few words.
func (c FieldChange) String() string {
	switch c.Fate {
	case FieldAdded:
		return fmt.Sprintf("%s %s added", c.Field, c.Is)
	case FieldRemoved:
		return fmt.Sprintf("%s %s removed, kept as unknown", c.Field, c.Was)
	case FieldChanged:
		return fmt.Sprintf("%s %s -> %s", c.Field, c.Was, c.Is)
	}
	return fmt.Sprintf("%s %s -> %s: %s", c.Field, c.Was, c.Is, c.Why)
}

// ErrPlan is wrapped by Plan.Err where state would be lost, or could not be read.
var ErrPlan = errors.New("the job does not fit its saved state")

// Err is nil if the job can go on from the state with nothing lost that it was not told to drop. Else it names all that is in the way.
func (p *Plan) Err() error {
	problems := slices.Clone(p.Problems)
	for _, o := range p.Operators {
		if o.Problem != "" {
			problems = append(problems, o.Problem)
		}
		for _, c := range o.Cells {
			if c.Problem != "" {
				problems = append(problems, c.Problem)
			}
		}
	}
	if problems == nil {
		return nil
	}
	return fmt.Errorf("%w: %s", ErrPlan, strings.Join(problems, "; "))
}

// Operator is what becomes of the operator of that uid, nil if neither the state nor the job has it.
func (p *Plan) Operator(uid string) *OperatorPlan {
	for i := range p.Operators {
		if p.Operators[i].UID == uid {
			return &p.Operators[i]
		}
	}
	return nil
}

// Cell is what becomes of a named state, nil if neither the state nor the job has it.
func (o *OperatorPlan) Cell(name string) *CellPlan {
	for i := range o.Cells {
		if o.Cells[i].Name == name {
			return &o.Cells[i]
		}
	}
	return nil
}

// String is the plan as a table, with the problems below it.
func (p *Plan) String() string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "OPERATOR\tFATE\tIN THE STATE\tIN THE JOB")
	for _, o := range p.Operators {
		was, is := o.Was, o.Is
		if was == is {
			is = "the same"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", o.UID, o.Fate, orDash(was), orDash(is))
		for _, c := range o.Cells {
			was, is := strings.Join(c.Was, ", "), c.Is
			if was == is {
				is = "the same"
			}
			fmt.Fprintf(w, "  %s\t%s\t%s\t%s\n", c.Name, c.Fate, orDash(was), orDash(is))
			for _, f := range c.Fields {
				fmt.Fprintf(w, "    %s\t%s\t%s\t%s\n", f.Field, f.Fate, orDash(f.Was), orDash(f.Is))
			}
		}
	}
	_ = w.Flush() // a Builder takes all
	line := func(text string) { fmt.Fprintf(&b, "\n%s.\n", text) }
	for _, o := range p.Operators {
		if o.Note != "" {
			line(o.Note)
		}
	}
	if err := p.Err(); err != nil {
		line("REFUSED: " + strings.TrimPrefix(err.Error(), ErrPlan.Error()+": "))
	}
	return b.String()
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

package runtime

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/millrace/millrace/internal/keyed"
	"github.com/millrace/millrace/state"
)

// Shape is an operator as far as its state is concerned.
type Shape struct {
	UID        string
	Definition string // what the meaning of its state depends on
	Keyed      bool   // it keeps state by key
	// Declare makes a store without a backend and declares the operator's cells in it. It is nil where there are none, or where they are not asked for.
	Declare func() (*keyed.Store, error)
}

// Allow is what a job may do to the state it finds, which it would be refused for otherwise.
type Allow struct {
	// Drop has the operators whose state may be lost where the job cannot take it over, with the cells that this is meant for; none for all of it.
	Drop map[string][]string
	// New has the keyed operators that may begin without state where the state has positions already.
	New map[string]bool
}

func (a Allow) all(uid string) bool {
	cells, ok := a.Drop[uid]
	return ok && len(cells) == 0
}

func (a Allow) cells(uid string) func(cell string) bool {
	return func(cell string) bool { return slices.Contains(a.Drop[uid], cell) }
}

// MakePlan says what a run of the job would do with a state.
func MakePlan(from Scanner, cfg *Config) (*state.Plan, error) {
	m, err := readMeta(from)
	if err != nil {
		return nil, err
	}
	if m.job == nil {
		return nil, ErrNoJob
	}
	p, _, err := m.plan(cfg)
	return p, err
}

// plan compares the job with the state; slots are the lists of the operators whose cells were declared.
func (m *meta) plan(cfg *Config) (p *state.Plan, slots map[string][]keyed.Slot, err error) {
	p = &state.Plan{Job: cfg.Job, Problems: m.misfits(cfg)}
	slots = map[string][]keyed.Slot{}
	has := map[string]bool{}
	for _, s := range cfg.Shapes {
		has[s.UID] = true
		o, known := m.operators[s.UID]
		op := state.OperatorPlan{UID: s.UID, Is: definition(s.Definition), Fate: state.New}
		switch {
		case !known:
			m.begins(&op, s, cfg)
		case definition(o.Shape) != definition(s.Definition):
			op.Was, op.Is = definition(o.Shape), definition(s.Definition)
			m.changes(&op, cfg)
		default:
			op.Fate, op.Was, op.Is = state.Kept, definition(o.Shape), definition(s.Definition)
			if s.Declare == nil {
				break
			}
			store, err := s.Declare()
			if err != nil {
				return nil, nil, fmt.Errorf("operator %q: %w", s.UID, err)
			}
			if slots[s.UID], op.Cells = store.Adopt(m.slots(s.UID), cfg.Allow.cells(s.UID)); slots[s.UID] == nil {
				delete(slots, s.UID)
			}
			settle(&op)
		}
		p.Operators = append(p.Operators, op)
	}
	for _, uid := range slices.Sorted(maps.Keys(m.operators)) {
		if has[uid] {
			continue
		}
		op := state.OperatorPlan{UID: uid, Fate: state.Dropped, Was: definition(m.operators[uid].Shape)}
		if !cfg.Allow.all(uid) {
			op.Problem = fmt.Sprintf("the state has an operator %q (%s) that the job lacks: give an operator that name if it was renamed, or drop its state by stream.DropState(%q)", uid, op.Was, uid)
		}
		p.Operators = append(p.Operators, op)
	}
	return p, slots, nil
}

// misfits are differences of the job as a whole.
func (m *meta) misfits(cfg *Config) (problems []string) {
	add := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	if m.job == nil {
		return nil
	}
	if err := m.job.readable(); err != nil {
		add("%v", err)
	}
	if m.job.Job != cfg.Job {
		add("the state belongs to job %q, this is %q", m.job.Job, cfg.Job)
	}
	if m.job.MaxParallelism != cfg.MaxParallelism {
		add("max parallelism: the state says %d, the job %d", m.job.MaxParallelism, cfg.MaxParallelism)
	}
	return problems
}

// begins is the plan of an operator that the state does not know. Sinks and sources may come: the one gets what is made from now on, the other is read from its start, and
// whatever is renamed is found by the name that has gone. An operator with keyed state needs to be told, since what it makes of the first records lacks those before them.
func (m *meta) begins(op *state.OperatorPlan, s Shape, cfg *Config) {
	if len(m.splits) == 0 {
		return
	}
	switch {
	case s.Keyed && !cfg.Allow.New[s.UID]:
		op.Problem = fmt.Sprintf("operator %q (%s) has no state, and the records before this point are read already: it may begin without them by stream.NewState(%q)", s.UID, s.Definition, s.UID)
	case s.Keyed:
		op.Note = fmt.Sprintf("Operator %q begins without the records that were read before", s.UID)
	case strings.HasPrefix(s.Definition, "source"):
		op.Note = fmt.Sprintf("Source %q is read from its start", s.UID)
	}
}

// changes is the plan of an operator whose definition is another.
func (m *meta) changes(op *state.OperatorPlan, cfg *Config) {
	op.Fate = state.Changed
	if cfg.Allow.all(op.UID) {
		op.Fate = state.Dropped
		op.Note = fmt.Sprintf("Operator %q begins anew, without the records that were read before", op.UID)
		return
	}
	op.Problem = fmt.Sprintf("operator %q: the state was written by %q, the job says %q; a changed definition is a new group and a replay", op.UID, op.Was, op.Is)
}

// settle sums up the fates of an operator's cells.
func settle(op *state.OperatorPlan) {
	for i := range op.Cells {
		c := &op.Cells[i]
		if c.Problem != "" {
			c.Problem = fmt.Sprintf("operator %q: %s%s", op.UID, c.Problem, remedy(c.Fate, op.UID, c.Name))
		}
		if c.Fate == state.Migrated && op.Fate == state.Kept {
			op.Fate = state.Migrated
		}
		if c.Fate == state.Changed {
			op.Fate = state.Changed
		}
	}
}

// definition is what a shape says but for what the windows hold, which is their cell's codec.
func definition(shape string) string {
	d, _, _ := strings.Cut(shape, holdsMark)
	return d
}

// CheckValues reads every value of the operators whose cells are declared as the job would, and returns how many keys it read. It needs a plan without problems.
func CheckValues(from Scanner, cfg *Config) (keys int64, err error) {
	m, err := readMeta(from)
	if err != nil {
		return 0, err
	}
	for _, s := range cfg.Shapes {
		o, known := m.operators[s.UID]
		if !known || s.Declare == nil || definition(o.Shape) != definition(s.Definition) {
			continue
		}
		store, err := s.Declare()
		if err != nil {
			return keys, fmt.Errorf("operator %q: %w", s.UID, err)
		}
		slots, _ := store.Adopt(m.slots(s.UID), cfg.Allow.cells(s.UID))
		if err := store.Bind(slots); err != nil {
			return keys, fmt.Errorf("operator %q: %w", s.UID, err)
		}
		var bad error
		err = from.Scan(keyed.EntriesOf(o.Number), keyed.EntriesAfter(o.Number), func(k, v []byte) bool {
			place, _ := keyed.ParsePlace(k)
			bad = store.Check(string(place.Key), v)
			keys++
			return bad == nil
		})
		if bad != nil {
			err = bad
		}
		if err != nil {
			return keys, fmt.Errorf("operator %q: %w", s.UID, err)
		}
	}
	return keys, nil
}

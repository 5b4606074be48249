package runtime

import (
	"slices"
	"sync"

	"github.com/millrace/millrace/internal/ledger"
	"github.com/millrace/millrace/state"
)

// accounts is the run's ledger: what the state said when the run began, and each split's counts as of its last checkpoint.
type accounts struct {
	mu     sync.Mutex
	begun  map[int32]ledger.Counts // by split
	latest map[int32]ledger.Entry
	wrong  map[int32]bool // was told of
}

// Book is what the task counts the ends of records in.
func (t *Task) Book() *ledger.Book { return &t.book }

// Ledger is what became of each split's records, by split, as of the last checkpoint: one moment for all splits that commit together.
func (r *Run) Ledger() ledger.Ledger {
	r.accounts.mu.Lock()
	defer r.accounts.mu.Unlock()
	var numbers []int32
	for n := range r.accounts.latest {
		numbers = append(numbers, n)
	}
	slices.Sort(numbers)
	l := make(ledger.Ledger, len(numbers))
	for i, n := range numbers {
		l[i] = r.accounts.latest[n]
	}
	return l
}

// opened begins a split's account where the state left it.
func (r *Run) opened(sp *Split) {
	a := &r.accounts
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.begun == nil {
		a.begun, a.latest, a.wrong = map[int32]ledger.Counts{}, map[int32]ledger.Entry{}, map[int32]bool{}
	}
	c := r.meta.ledger[splitKey(sp.Operator, sp.ID)]
	a.begun[sp.Number] = c
	a.latest[sp.Number] = ledger.Entry{Operator: sp.Operator, Split: sp.ID, Counts: c}
}

// expire notes positions of a split that is not opened yet which the log no longer has.
func (r *Run) expire(split string, positions int64) {
	c := r.meta.ledger[split]
	c.In += positions
	c.Expired += positions
	r.meta.ledger[split] = c
}

// account adds up the books of the unit's tasks and puts the accounts of its splits into the checkpoint's batch.
func (u *unit) account(b *state.Batch) map[int32]ledger.Entry {
	for _, s := range u.pieces {
		u.books[s.task] = s.Ended
	}
	counted := map[int32]ledger.Entry{}
	for _, t := range u.tasks {
		if t.split == nil {
			continue
		}
		number := t.split.Number
		var sum ledger.Tally
		for _, book := range u.books {
			if int(number) < len(book) {
				for class, n := range book[number] {
					sum[class] += n
				}
			}
		}
		e := ledger.Entry{Operator: t.split.Operator, Split: t.split.ID, Counts: u.run.begun(number).Plus(sum.Counts())}
		counted[number] = e
		set(b, "ledger", splitKey(e.Operator, e.Split), e.Counts)
	}
	return counted
}

func (r *Run) begun(split int32) ledger.Counts {
	r.accounts.mu.Lock()
	defer r.accounts.mu.Unlock()
	return r.accounts.begun[split]
}

// publish makes what a checkpoint has made durable the ledger. A split whose account does not balance is told of at once, and only once.
func (r *Run) publish(counted map[int32]ledger.Entry) {
	a := &r.accounts
	a.mu.Lock()
	defer a.mu.Unlock()
	for number, e := range counted {
		a.latest[number] = e
		if e.Difference() == 0 || a.wrong[number] {
			continue
		}
		a.wrong[number] = true
		r.cfg.Meter.Counter("ledger_unbalanced", "operator", e.Operator).Add(1)
		r.cfg.Logger.Error("the ledger does not balance", "operator", e.Operator, "split", e.Split, "difference", e.Difference(), "counts", e.Counts.String())
	}
}

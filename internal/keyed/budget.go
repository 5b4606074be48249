package keyed

// SetBudget changes the bound of the table's memory; 0 lifts it.
func (s *Store) SetBudget(bytes int64) { s.budget.Store(bytes) }

// held reports whether an entry has to stay in memory: it is dirty, in the snapshot, or in a batch that is not committed.
func (s *Store) held(e *Entry) bool { return e.mark != 0 || e.encoded > s.durable }

const entryOverhead = 240 // table, ring, heap item and Entry itself

// bytes estimates the memory of the table.
func (s *Store) bytes() int64 { return s.estimate(len(s.ring)) }

// estimate is the memory of so many entries: live values are taken as twice their encoded size.
func (s *Store) estimate(entries int) int64 {
	return int64(float64(entries) * (entryOverhead + 2*s.average))
}

// Pressed reports that the dirty entries alone take half of the budget, so that a checkpoint is wanted.
func (s *Store) Pressed() bool { return s.exceeds(len(s.dirty)+len(s.turn), 0.5) }

// Strained reports that the entries which cannot leave memory before a checkpoint is durable take three quarters of the budget, so that the one under way is urgent.
func (s *Store) Strained() bool { return s.exceeds(s.bound(), 0.75) }

// Full reports that they take all of it.
func (s *Store) Full() bool { return s.exceeds(s.bound(), 1) }

// bound is how many entries are held, at most: those that changed after they were encoded count twice.
func (s *Store) bound() int { return len(s.dirty) + len(s.turn) + s.flying }

func (s *Store) exceeds(entries int, share float64) bool {
	budget := s.budget.Load()
	return budget > 0 && float64(s.estimate(entries)) > share*float64(budget)
}

const trimSteps = 8192 // entries that one Trim looks at, so that it does not stop the stream

// Trim lets clean entries leave memory, the ones not used lately first, until the table is within its budget.
// It is called between records.
func (s *Store) Trim() {
	s.forget()
	budget := s.budget.Load()
	if budget == 0 || s.bytes() <= budget {
		return
	}
	s.fetch.absent = s.fetch.absent[:0]
	if !s.pressed {
		s.pressed = true
		for d := range s.queues {
			s.queues[d].unpin()
		}
	}
	low := budget - budget/16
	for steps := min(2*len(s.ring), trimSteps); steps > 0 && len(s.ring) > 0 && s.bytes() > low; steps-- {
		if s.hand >= len(s.ring) {
			s.hand = 0
		}
		e := s.ring[s.hand]
		switch {
		case s.held(e):
			s.hand++
		case e.used:
			e.used = false
			s.hand++
		case !e.exact():
			s.Dirty(e) // leaves after the next checkpoint
			s.hand++
		default:
			s.remove(e)
			s.absent = false
			s.stats.Evictions++
		}
	}
	for d := range s.queues {
		s.queues[d].shrink(s, Domain(d))
	}
}

// exact reports whether the entry's heap items are where its index records are, so that they can be found again.
func (e *Entry) exact() bool {
	for _, t := range e.timers {
		if t.deadline != None && t.indexed != t.armed {
			return false
		}
	}
	return true
}

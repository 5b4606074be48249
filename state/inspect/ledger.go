package inspect

import "github.com/millrace/millrace/internal/ledger"

// Ledger is what became of the records of each split until the state was written.
func (s *State) Ledger() (l ledger.Ledger) {
	for _, sp := range s.saved.Splits {
		l = append(l, ledger.Entry{Operator: sp.Operator, Split: sp.ID, Counts: sp.Ledger})
	}
	return l
}

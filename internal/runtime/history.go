package runtime

import (
	"errors"
	"fmt"

	"github.com/millrace/millrace/source"
)

// ErrLogCut is returned when a job's next record is no longer in the log: retention or an operator deleted it before it was read.
var ErrLogCut = errors.New("the log was cut before the job had read it")

// firstMeta says where the first run of a job began a split.
type firstMeta struct {
	Earliest int64 // the position of the log's oldest record then
	From     int64 // where reading began
}

// first is where a split was begun, for its status; -1 where the state does not say it.
func (s splitMeta) first() firstMeta {
	if s.First == nil {
		return firstMeta{-1, -1}
	}
	return *s.First
}

// checkCut looks whether the log still has what comes next. If not, it moves the position to the oldest record where the job allows that, and fails otherwise.
func (r *Run) checkCut(operator string, sp *source.Split, saved *splitMeta) (skipped bool, err error) {
	if saved.Position >= sp.Earliest || saved.Position >= sp.Stop {
		return false, nil
	}
	gone := sp.Earliest - saved.Position
	if saved.Finished {
		return false, fmt.Errorf("%w: split %s was drained up to %d; what came later is deleted up to %d", ErrFinished, sp.ID, saved.Position, sp.Earliest)
	}
	if !r.cfg.AllowLogCut {
		return false, fmt.Errorf("%w: split %s goes on at %d, the log begins at %d now: %d positions are gone. Results without these records are wrong where they count; "+
			"start a new group from the earliest record, restore the log, or allow the cut to go on behind it", ErrLogCut, sp.ID, saved.Position, sp.Earliest, gone)
	}
	r.cfg.Logger.Warn("the log was cut before the job had read it: going on with its oldest record", "operator", operator, "split", sp.ID, "position", saved.Position, "begins", sp.Earliest, "gone", gone)
	r.cfg.Meter.Counter("positions_cut", "operator", operator).Add(gone)
	r.expire(splitKey(operator, sp.ID), gone)
	saved.Position = sp.Earliest
	return true, nil
}

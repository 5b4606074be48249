package metamorphic

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/millrace/millrace/state"
)

// flaw is something wrong on purpose, in the job's definition or between the engine and its state: the tests have to notice it.
type flaw string

const (
	shortBound flaw = "the bound is a millisecond short"
	shortGap   flaw = "the gap is a millisecond short"
	undeclared flaw = "keys are not declared to come from one split, so that no timer fires before a record"

	forgottenTime   flaw = "watermarks are not restored"
	skippedRecord   flaw = "positions are restored one ahead"
	repeatedRecord  flaw = "positions are restored one behind"
	lostTimers      flaw = "the index of timers is not stored"
	lostDeletions   flaw = "entries are not deleted"
	forgottenRows   flaw = "prepared rows are forgotten"
	tornCheckpoints flaw = "positions are committed before the state"
	lostLedger      flaw = "the ledger is not stored"
)

// damages reports whether the flaw lies between the engine and its state.
func (f flaw) damages() bool {
	switch f {
	case "", shortBound, shortGap, undeclared:
		return false
	}
	return true
}

// flawed is a backend that changes what is stored.
type flawed struct {
	state.Backend
	flaw flaw
}

func (b flawed) Open(dir string, memory int64) (state.Store, error) {
	s, err := b.Backend.Open(dir, memory)
	if err != nil {
		return nil, err
	}
	return flawedStore{s, b.flaw}, nil
}

type flawedStore struct {
	state.Store
	flaw flaw
}

func (s flawedStore) Commit(b *state.Batch) error {
	var first, then state.Batch
	err := b.Each(func(key, value []byte, del bool) error {
		position := strings.HasPrefix(string(key), "msplit/")
		into := &then
		switch {
		case position && s.flaw == tornCheckpoints:
			into = &first
		case key[0] == 't' && s.flaw == lostTimers, del && key[0] == 's' && s.flaw == lostDeletions:
			return nil
		case s.flaw == lostLedger && strings.HasPrefix(string(key), "mledger/"):
			return nil
		}
		if del {
			into.Delete(key)
			return nil
		}
		if position {
			value = s.position(value)
		}
		if strings.HasPrefix(string(key), "msink/") && s.flaw == forgottenRows {
			value = []byte(`{}`)
		}
		into.Set(key, value)
		return nil
	})
	if err == nil {
		err = s.Store.Commit(&first)
	}
	if err == nil {
		err = s.Store.Commit(&then)
	}
	return err
}

// position changes the stored form of a split's position.
func (s flawedStore) position(value []byte) []byte {
	var fields map[string]json.RawMessage
	var position, watermark int64
	if json.Unmarshal(value, &fields) != nil || json.Unmarshal(fields["Position"], &position) != nil || json.Unmarshal(fields["Watermark"], &watermark) != nil {
		panic("the stored form of positions is not what the test thinks: " + string(value))
	}
	switch {
	case watermark == math.MaxInt64: // finished
	case s.flaw == forgottenTime:
		fields["Watermark"] = json.RawMessage("-9223372036854775808")
	case s.flaw == skippedRecord && position > 0:
		position++
	case s.flaw == repeatedRecord && position > 0:
		position--
	}
	fields["Position"], _ = json.Marshal(position)
	value, _ = json.Marshal(fields)
	return value
}

// mostSeeds is how many random jobs may pass before a flaw has to be noticed.
const mostSeeds = 200

// The random jobs are hard enough to notice each of these flaws.
func TestFlawsAreNoticed(t *testing.T) {
	for _, f := range []flaw{
		shortBound, shortGap, undeclared, forgottenTime, skippedRecord, repeatedRecord, lostTimers, lostDeletions, forgottenRows, tornCheckpoints, lostLedger,
	} {
		t.Run(string(f), func(t *testing.T) {
			t.Parallel()
			tried := 0
			for seed := uint64(1); seed <= mostSeeds; seed++ {
				p := newPlan(seed)
				if !p.shows(f) {
					continue
				}
				p.Flaw, p.Script = f, f.script(p)
				tried++
				if _, err := p.try(); err != nil {
					t.Logf("noticed by seed %d, after %d jobs: %.300v", seed, tried, err)
					return
				}
			}
			t.Errorf("%d jobs came to what the log says all the same", tried)
		})
	}
}

// script is runs that bring out a flaw of what is stored; nil where the plan's own do.
func (f flaw) script(p plan) (runs []setting) {
	s := setting{Parallelism: 2, Batch: 16, Buffer: time.Millisecond, Memory: 1 << 20, Chunk: 20, Checkpoint: time.Millisecond, Survives: 100}
	for i := range 6 {
		switch f {
		case shortBound, shortGap, undeclared:
			return nil
		case tornCheckpoints, forgottenRows:
			s.Slow, s.Ending, s.After = true, powerLoss, 30+7*i
		default:
			s.Ending, s.After = stopped, p.Events/8
		}
		runs = append(runs, s)
	}
	return runs
}

// shows reports whether the plan has what the flaw concerns.
func (p plan) shows(f flaw) bool {
	switch f {
	case shortBound:
		return p.Function != ticks
	case shortGap:
		return p.Gap > 0 && p.Function != ticks
	case undeclared:
		return p.Keying == oneSplit && p.Lateness > 0
	case tornCheckpoints:
		return p.Pebble && p.settles()
	case forgottenRows:
		return p.Pebble && p.Committing
	}
	return p.settles()
}

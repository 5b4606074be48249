package keyed_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/internal/keyed"
	"github.com/millrace/millrace/state"
	memorystate "github.com/millrace/millrace/state/memory"
)

// jsonCodec is the codec of the cells under test.
type jsonCodec[V any] struct{}

func (jsonCodec[V]) ID() string { return "json" }
func (jsonCodec[V]) Append(dst []byte, v V) ([]byte, error) {
	b, err := json.Marshal(v)
	return append(dst, b...), err
}
func (jsonCodec[V]) Decode(src []byte) (v V, err error) { return v, json.Unmarshal(src, &v) }

type timerList [2][]int64

// world is what an operator knows: by key a value and timers, and how far time has come in both domains.
type world struct {
	values map[string]int64
	timers map[string]*timerList
	now    [2]int64
}

func newWorld() *world {
	return &world{values: map[string]int64{}, timers: map[string]*timerList{}}
}

func (w *world) clone() *world {
	c := newWorld()
	c.now = w.now
	for k, v := range w.values {
		c.values[k] = v
	}
	for k, t := range w.timers {
		c.timers[k] = &timerList{slices.Clone(t[0]), slices.Clone(t[1])}
	}
	return c
}

// first is the timer that is due next at or before now: by time, then key.
func (w *world) first(d keyed.Domain, now int64) (key string, at int64, ok bool) {
	for k, t := range w.timers {
		if len(t[d]) == 0 || t[d][0] > now {
			continue
		}
		if !ok || t[d][0] < at || t[d][0] == at && k < key {
			key, at, ok = k, t[d][0], true
		}
	}
	return key, at, ok
}

func insert(list *[]int64, at int64) {
	if i, found := slices.BinarySearch(*list, at); !found {
		*list = slices.Insert(*list, i, at)
	}
}

func remove(list *[]int64, at int64) {
	if i, found := slices.BinarySearch(*list, at); found {
		*list = slices.Delete(*list, i, i+1)
	}
}

// subject is a store driven as an operator drives it, beside the model of what it should hold.
type subject struct {
	t       *testing.T
	rng     *rand.Rand
	backend state.Store
	store   *keyed.Store
	value   *keyed.Cell[int64]
	timers  *keyed.Cell[timerList]
	is      *world
	saved   *world // what the backend holds
	taking  *world // what the snapshot under way is of
	batch   *state.Batch
	keys    []string
	budget  int64
	fired   int
	reopens int
}

func shardOf(key []byte) uint16 {
	sum := uint16(0)
	for _, b := range key {
		sum += uint16(b)
	}
	return sum % 3
}

func (s *subject) open(loaded bool) {
	s.store = keyed.New(keyed.Config{Backend: s.backend, Operator: 7, Shards: []uint16{0, 1, 2}, ShardOf: shardOf, Loaded: loaded})
	s.value = keyed.NewCell(s.store, "value", jsonCodec[int64]{})
	s.timers = keyed.NewCell(s.store, "timers", jsonCodec[timerList]{})
	s.store.SetBudget(s.budget)
}

func (s *subject) entry(key string) *keyed.Entry {
	hash := keyed.Hash([]byte(key))
	if s.rng.IntN(2) == 0 {
		s.store.Touch(hash) // which nobody can see
	} else {
		hash = 0 // nobody has computed it
	}
	e, _, err := s.store.Entry([]byte(key), hash)
	require.NoError(s.t, err)
	require.Equal(s.t, key, e.Key)
	s.matches(e)
	return e
}

// matches compares an entry with the model.
func (s *subject) matches(e *keyed.Entry) {
	want, has := s.is.values[e.Key]
	got := s.value.Get(e)
	require.Equal(s.t, has, got != nil, "value of %q", e.Key)
	if has {
		require.Equal(s.t, want, *got, "value of %q", e.Key)
	}
	var wantTimers, gotTimers timerList
	if t := s.is.timers[e.Key]; t != nil {
		wantTimers = *t
	}
	if t := s.timers.Get(e); t != nil {
		gotTimers = *t
	}
	for d := range wantTimers {
		require.True(s.t, slices.Equal(wantTimers[d], gotTimers[d]), "timers of %q: %v, want %v", e.Key, gotTimers, wantTimers)
	}
}

// change changes the timers of a key in the store and the model.
func (s *subject) change(e *keyed.Entry, d keyed.Domain, f func(*[]int64)) {
	live := s.timers.Ensure(e)
	f(&live[d])
	s.rearm(e, d)
	model := s.is.timers[e.Key]
	if model == nil {
		model = &timerList{}
		s.is.timers[strings.Clone(e.Key)] = model
	}
	f(&model[d])
	s.store.Dirty(e)
}

func (s *subject) rearm(e *keyed.Entry, d keyed.Domain) {
	live := s.timers.Get(e)
	next := keyed.None
	if len(live[d]) > 0 {
		next = live[d][0]
	}
	s.store.SetDeadline(e, d, next)
	if len(live[0])+len(live[1]) == 0 {
		s.timers.Clear(e)
	}
}

// advance moves time in a domain: what fires is what the model says, in its order.
func (s *subject) advance(d keyed.Domain, by int64) {
	s.is.now[d] += by
	now := s.is.now[d]
	for {
		key, at, ok := s.is.first(d, now)
		if ok {
			require.LessOrEqual(s.t, s.store.Next(d), at, "the timer of %q would be slept through", key)
		}
		e, due, err := s.store.Due(d, now)
		require.NoError(s.t, err)
		if !ok {
			require.Nil(s.t, e, "nothing is due at %d", now)
			return
		}
		require.NotNil(s.t, e, "the timer of %q at %d is lost", key, at)
		require.Equal(s.t, key, e.Key)
		require.Equal(s.t, at, due)
		s.matches(e)
		s.fired++
		s.change(e, d, func(list *[]int64) { remove(list, at) })
		switch s.rng.IntN(8) { // what OnTimer may do
		case 0:
			again := at + s.rng.Int64N(30) - 5
			s.change(e, d, func(list *[]int64) { insert(list, again) })
		case 1:
			other := s.is.now[1-d] + s.rng.Int64N(200)
			s.change(e, 1-d, func(list *[]int64) { insert(list, other) })
		case 2:
			delete(s.is.values, key)
			s.value.Clear(e)
		}
		s.store.Settle(e)
		if s.rng.IntN(4) == 0 {
			s.store.Trim()
		}
	}
}

func (s *subject) step() {
	switch n := s.rng.IntN(100); {
	case n < 45:
		e := s.entry(s.keys[s.rng.IntN(len(s.keys))])
		v := s.rng.Int64N(1000)
		*s.value.Ensure(e) = v
		s.is.values[strings.Clone(e.Key)] = v
		s.store.Dirty(e)
		if s.rng.IntN(2) == 0 {
			d := keyed.Domain(s.rng.IntN(2))
			at := s.is.now[d] + s.rng.Int64N(300) - 10
			s.change(e, d, func(list *[]int64) { insert(list, at) })
		}
		s.store.Settle(e)
	case n < 55:
		e := s.entry(s.keys[s.rng.IntN(len(s.keys))])
		s.value.Clear(e)
		delete(s.is.values, e.Key)
		s.store.Dirty(e)
		s.store.Settle(e)
	case n < 65:
		key := s.keys[s.rng.IntN(len(s.keys))]
		e := s.entry(key)
		if t := s.is.timers[key]; t != nil {
			for d := range keyed.Domain(2) {
				if len(t[d]) > 0 {
					at := t[d][s.rng.IntN(len(t[d]))]
					s.change(e, d, func(list *[]int64) { remove(list, at) })
				}
			}
		}
		s.store.Settle(e)
	case n < 70: // look ahead
		for range s.rng.IntN(30) {
			s.store.Expect([]byte(s.keys[s.rng.IntN(len(s.keys))]))
		}
		require.NoError(s.t, s.store.Fetch())
	case n < 75: // only look
		e := s.entry(s.keys[s.rng.IntN(len(s.keys))])
		s.store.Settle(e)
	case n < 83:
		s.advance(keyed.Domain(s.rng.IntN(2)), s.rng.Int64N(40))
	case n < 92:
		s.store.Trim()
	case n < 99:
		s.snapshot()
	default:
		s.reopen()
	}
}

// snapshot takes the next step of a checkpoint: begins it, encodes a slice, or commits it.
func (s *subject) snapshot() {
	if s.batch == nil {
		s.batch = &state.Batch{}
		s.taking = s.is.clone()
		s.store.Begin(s.batch)
		return
	}
	done, err := s.store.Slice(1 + s.rng.IntN(20))
	require.NoError(s.t, err)
	if !done {
		return
	}
	if s.rng.IntN(2) == 0 { // the batch is on its way for a while
		for range s.rng.IntN(20) {
			if n := s.rng.IntN(92); n < 92 {
				s.quietStep()
			}
		}
	}
	require.NoError(s.t, s.backend.Commit(s.batch))
	s.store.Committed()
	s.saved, s.batch, s.taking = s.taking, nil, nil
}

// quietStep is a step that leaves checkpoints alone.
func (s *subject) quietStep() {
	batch := s.batch
	e := s.entry(s.keys[s.rng.IntN(len(s.keys))])
	v := s.rng.Int64N(1000)
	*s.value.Ensure(e) = v
	s.is.values[strings.Clone(e.Key)] = v
	s.store.Dirty(e)
	s.store.Settle(e)
	s.store.Trim()
	s.advance(keyed.EventTime, s.rng.Int64N(10))
	require.Equal(s.t, batch, s.batch)
}

// reopen is a crash: what was not committed is gone.
func (s *subject) reopen() {
	s.reopens++
	s.is = s.saved.clone()
	s.batch, s.taking = nil, nil
	s.open(true)
}

func TestStoreAgainstModel(t *testing.T) {
	for seed := range uint64(16) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			backend, err := memorystate.Backend().Open("", 0)
			require.NoError(t, err)
			defer backend.Close()
			rng := rand.New(rand.NewPCG(seed, 1))
			s := &subject{
				t: t, rng: rng, backend: backend, is: newWorld(), saved: newWorld(),
				keys:   []string{"", "\xff", "\xff\xff", "\x00", "a\x00b"},
				budget: []int64{1, 2000, 20_000, 0}[seed%4],
			}
			for i := range []int{20, 200, 2000}[seed%3] {
				s.keys = append(s.keys, strings.Repeat("k", i%3)+fmt.Sprint(i))
			}
			s.open(false)
			for range 6000 {
				s.step()
			}
			s.advance(keyed.EventTime, 10_000)
			s.advance(keyed.ProcessingTime, 10_000)
			for _, k := range s.keys {
				s.store.Settle(s.entry(k))
			}
			require.Positive(t, s.fired)
			require.Positive(t, s.reopens)
			if s.budget == 1 {
				require.Positive(t, s.store.Stats().Evictions+s.store.Stats().Reads)
			}
		})
	}
}

// So many timers of keys that left memory that the queue drops items and reads them again from the index.
func TestTimersOutliveTheQueue(t *testing.T) {
	backend, err := memorystate.Backend().Open("", 0)
	require.NoError(t, err)
	defer backend.Close()
	const n = 30_000
	rng := rand.New(rand.NewPCG(9, 9))
	s := &subject{t: t, rng: rng, backend: backend, is: newWorld(), saved: newWorld(), budget: 10_000}
	s.open(false)
	type due struct {
		at  int64
		key string
	}
	var want []due
	for i := range n {
		key, at := fmt.Sprint("key", i), rng.Int64N(5000)
		e, _, err := s.store.Entry([]byte(key), 0)
		require.NoError(t, err)
		s.timers.Ensure(e)[0] = []int64{at}
		s.store.SetDeadline(e, keyed.EventTime, at)
		s.store.Dirty(e)
		s.store.Settle(e)
		want = append(want, due{at, key})
		if i%100 == 99 {
			var b state.Batch
			require.NoError(t, s.store.Snapshot(&b))
			require.NoError(t, backend.Commit(&b))
			s.store.Committed()
			s.store.Trim()
		}
	}
	require.Less(t, s.store.Stats().TimerItems, int64(n/2), "the queue is bounded")
	require.Less(t, s.store.Stats().Entries, n/10, "the table is bounded")
	slices.SortFunc(want, func(a, b due) int {
		if a.at != b.at {
			return int(a.at - b.at)
		}
		return strings.Compare(a.key, b.key)
	})
	i := 0
	for now := int64(0); now <= 5000; now += 250 {
		for {
			e, at, err := s.store.Due(keyed.EventTime, now)
			require.NoError(t, err)
			if e == nil {
				break
			}
			require.Equal(t, want[i], due{at, e.Key})
			i++
			s.timers.Clear(e)
			s.store.SetDeadline(e, keyed.EventTime, keyed.None)
			s.store.Dirty(e)
			s.store.Settle(e)
			s.store.Trim()
		}
	}
	require.Equal(t, n, i)
}

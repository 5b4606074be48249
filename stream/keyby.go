package stream

import (
	"errors"
	"fmt"

	"github.com/millrace/millrace/internal/exchange"
	"github.com/millrace/millrace/internal/flow"
	"github.com/millrace/millrace/internal/keyed"
	"github.com/millrace/millrace/internal/keygroup"
	"github.com/millrace/millrace/internal/partitioner"
	"github.com/millrace/millrace/internal/runtime"
	"github.com/millrace/millrace/state"
)

// KeyOption sets something for KeyBy or KeyByPartition.
type KeyOption interface{ applyKey(*keyConfig) }

type keyOption func(*keyConfig)

func (f keyOption) applyKey(c *keyConfig) { f(c) }

type keyConfig struct {
	codec       any // a state.Codec of the key's type
	oneSplit    bool
	partitioner Partitioner
}

// Partitioner is how a producer chose a record's partition from its key.
type Partitioner struct {
	Name      string
	Partition func(key []byte, partitions int32) int32
}

// Murmur2 is what Java producers do, and the default. FNV1a is the default of sarama.
var (
	Murmur2 = Partitioner{"murmur2", partitioner.Murmur2}
	FNV1a   = Partitioner{"fnv1a", partitioner.FNV1a}
)

// KeyCodec says how keys become bytes: equal keys, equal bytes, for ever. Strings, integers and bools need none.
func KeyCodec[K comparable](c state.Codec[K]) KeyOption {
	return keyOption(func(k *keyConfig) { k.codec = c })
}

// OneSplitPerKey declares that all records of a key come from one split, as they do when the key decides the partition. All that is emitted for a key is then a
// function of the log, for any function. It is checked: a key from a second split fails the job.
func OneSplitPerKey() KeyOption { return keyOption(func(k *keyConfig) { k.oneSplit = true }) }

// PartitionedBy names the partitioner that the records' producer used, for KeyByPartition.
func PartitionedBy(p Partitioner) KeyOption {
	return keyOption(func(k *keyConfig) { k.partitioner = p })
}

// KeyedStream is a stream whose records have keys. What is kept per key is made by Window or Process.
type KeyedStream[K comparable, T any] struct {
	out         *output[T]
	key         func(T) K
	coder       keyCoder[K]
	cfg         keyConfig
	local       bool
	parallelism int // fixed; 0 for the operator's
}

// KeyBy keys a stream: records of one key meet in one task, by an exchange. key has no state and is called from several goroutines, more than
// once for a record.
func KeyBy[K comparable, T any](s DataStream[T], key func(T) K, opts ...KeyOption) KeyedStream[K, T] {
	return keyBy(s, key, "KeyBy", opts)
}

// KeyByPartition keys a stream whose key decides the partition, in place: no exchange, each partition is one task with event time, timers and state of its
// own. It is checked: when a key's state is made its partition is computed again, and a key that is elsewhere fails the job.
func KeyByPartition[K comparable, T any](s DataStream[T], key func(T) K, opts ...KeyOption) KeyedStream[K, T] {
	k := keyBy(s, key, "KeyByPartition", opts)
	k.local = true
	if s.out.node.exchanged() {
		s.out.job.fail(s.out.node, errors.New("KeyByPartition behind an exchange: the records are no longer with their partition; use KeyBy"))
	}
	if len(s.out.node.sources(map[*node]bool{})) > 1 {
		s.out.job.fail(s.out.node, errors.New("KeyByPartition of several sources: a key's records are in a partition of each, which no task sees together; use KeyBy"))
	}
	return k
}

func keyBy[K comparable, T any](s DataStream[T], key func(T) K, what string, opts []KeyOption) KeyedStream[K, T] {
	k := KeyedStream[K, T]{out: s.out, key: key, cfg: keyConfig{partitioner: Murmur2}}
	for _, o := range opts {
		o.applyKey(&k.cfg)
	}
	if k.cfg.oneSplit && s.out.node.spread() {
		s.out.job.fail(s.out.node, fmt.Errorf("%s with OneSplitPerKey behind an operator with Parallelism or a Rebalance: a split's records overtake each other there, so a key's order is lost; "+
			"leave the Parallelism out, or OneSplitPerKey", what))
	}
	codec := builtin[K]()
	if k.cfg.codec != nil {
		c, ok := k.cfg.codec.(state.Codec[K])
		if !ok {
			s.out.job.fail(s.out.node, fmt.Errorf("%s: KeyCodec is for another key type: %T", what, k.cfg.codec))
		}
		codec = c
	}
	if codec == nil {
		var zero K
		s.out.job.fail(s.out.node, fmt.Errorf("%s: keys of type %T need a KeyCodec", what, zero))
		return k
	}
	k.coder = newKeyCoder(codec)
	return k
}

// All keys a stream by nothing: all its records are of one key, in one task.
func All[T any](s DataStream[T]) KeyedStream[struct{}, T] {
	k := keyBy(s, func(T) struct{} { return struct{}{} }, "All", nil)
	k.parallelism = 1
	return k
}

// feed connects a keyed operator: in the same task, or behind an exchange.
func (k KeyedStream[K, T]) feed(n *node, parallelism int, build func(*runtime.Task) (flow.Pusher[T], flow.Control)) {
	j := k.out.job
	n.keeps = true
	coder := k.coder
	n.key, n.keyCodec = func(key K) ([]byte, error) { return coder.view(key, nil) }, coder.id
	if k.local {
		n.local = true
		j.local = true
		if parallelism != 0 {
			j.fail(n, errors.New("a partition-local operator has one task for each partition: it takes no Parallelism"))
		}
		k.out.read(n, build)
		return
	}
	ship := hash
	switch {
	case k.parallelism != 0:
		if parallelism > 1 {
			j.fail(n, errors.New("all records are of one key: it takes no Parallelism"))
		}
		parallelism, ship = k.parallelism, single
	case parallelism == 0:
		parallelism = j.cfg.parallelism
	}
	route := func() exchange.Route[T] {
		return &keyRoute[K, T]{key: k.key, coder: k.coder, parallelism: parallelism, owners: keygroup.Owners(parallelism, j.cfg.maxParallelism)}
	}
	exchangeTo(k.out, n, ship, parallelism, route, build)
}

// exchangeTo puts an exchange before n, whose tasks build makes.
func exchangeTo[T any](o *output[T], n *node, how ship, parallelism int, route func() exchange.Route[T], build func(*runtime.Task) (flow.Pusher[T], flow.Control)) {
	j := o.job
	n.inputs = append(n.inputs, input{o.node, how})
	n.parallelism = parallelism
	o.keptBy(n, "the other task of an exchange")
	build = dropping(n, build)
	if how == roundRobin && parallelism > 1 && n.retracts {
		j.fail(n, errors.New("the records it reads may be taken back (allowed lateness or a trigger further up): spread over tasks, a result could be overtaken by the one that it supersedes; leave it in its task, or KeyBy"))
	}
	if parallelism < 1 || parallelism > j.cfg.maxParallelism {
		j.fail(n, fmt.Errorf("a parallelism of %d is not between 1 and the maximum of %d", parallelism, j.cfg.maxParallelism))
		return
	}
	var x *exchange.Exchange[T] // of the current run
	j.prepare = append(j.prepare, func(*runtime.Run) {
		x = exchange.New[T](parallelism, j.cfg.batchSize, j.cfg.credit, share(j.cfg.memory).lanes/int64(j.exchanges()))
	})
	j.receivers = append(j.receivers, func(r *runtime.Run) {
		for i := range parallelism {
			runtime.AddReceiver(r, n.uid, i, x.Inbox(i), build)
		}
	})
	o.readers = append(o.readers, func(t *runtime.Task) (flow.Pusher[T], flow.Control) {
		w := x.Writer(t.Ctx, t.Blocked, route())
		if sp := t.Split(); sp != nil {
			w.Split = sp.Number
		}
		t.AddWriter(w)
		return w, w
	})
}

// keyRoute sends a record to the owner of its key group.
type keyRoute[K comparable, T any] struct {
	key         func(T) K
	coder       keyCoder[K]
	parallelism int
	owners      []int32 // subtask of each key group
	scratch     [64]byte
}

func (r *keyRoute[K, T]) Route(_ *flow.Meta, v T) (subtask int, hash uint64, err error) {
	b, err := r.coder.view(r.key(v), r.scratch[:0])
	if err != nil {
		return 0, 0, fmt.Errorf("key of the record: %w", err)
	}
	if r.parallelism > 1 {
		subtask = int(r.owners[keygroup.Of(b, len(r.owners))])
	}
	return subtask, keyed.Hash(b), nil
}

// keyedState is a keyed operator's store in a task, with the check of where keys come from.
func (k KeyedStream[K, T]) store(t *runtime.Task, n *node) *keyed.Store {
	if k.local {
		sp, p := t.Split(), k.cfg.partitioner
		shard := uint16(sp.Number)
		s := t.Store(t.Run().Number(n.uid), []uint16{shard}, func([]byte) uint16 { return shard })
		t.Serve(n.uid, s, func(key []byte) bool { return sp.Partitions > 0 && p.Partition(key, sp.Partitions) == sp.Partition })
		return s
	}
	groups := k.out.job.cfg.maxParallelism
	from, to := keygroup.Range(t.Subtask, n.parallelism, groups)
	var shards []uint16
	for g := from; g < to; g++ {
		shards = append(shards, uint16(g))
	}
	s := t.Store(t.Run().Number(n.uid), shards, func(key []byte) uint16 { return uint16(keygroup.Of(key, groups)) })
	t.Serve(n.uid, s, func(key []byte) bool { g := keygroup.Of(key, groups); return from <= g && g < to })
	return s
}

// admit checks that a key's records come from where they are declared to; nil where nothing is declared.
func (k KeyedStream[K, T]) admit(t *runtime.Task) func(*keyed.Entry, *flow.Meta) error {
	switch {
	case k.local:
		sp, p := t.Split(), k.cfg.partitioner
		return func(e *keyed.Entry, m *flow.Meta) error {
			if e.Split >= 0 {
				return nil
			}
			if sp.Partitions < 1 {
				return fmt.Errorf("%w: the source does not say how many partitions %s has; use KeyBy", ErrMisplacedKey, sp.Topic)
			}
			if want := p.Partition(bytesOf(e.Key), sp.Partitions); want != sp.Partition {
				return fmt.Errorf("%w: key %q is in partition %d of %s, %s of %d partitions puts it in %d", ErrMisplacedKey, e.Key, sp.Partition, sp.Topic, p.Name, sp.Partitions, want)
			}
			e.Split = m.Split
			return nil
		}
	case k.cfg.oneSplit:
		return func(e *keyed.Entry, m *flow.Meta) error {
			switch e.Split {
			case m.Split:
				return nil
			case -1:
				e.Split = m.Split
				return nil
			}
			return fmt.Errorf("%w: key %q was declared to come from one split and came from %s, then %s", ErrMisplacedKey, e.Key, t.Run().Splits.Name(e.Split), t.Run().Splits.Name(m.Split))
		}
	}
	return nil
}

// keyOf computes the bytes of records' keys, valid until the next call.
func (k KeyedStream[K, T]) keyOf() func(T) ([]byte, error) {
	scratch := make([]byte, 0, 64)
	return func(v T) ([]byte, error) { return k.coder.view(k.key(v), scratch) }
}

func (k KeyedStream[K, T]) shape() string {
	s := "key " + k.coder.id
	switch {
	case k.local:
		return s + " by partition " + k.cfg.partitioner.Name
	case k.cfg.oneSplit:
		return s + " one split per key"
	}
	return s
}

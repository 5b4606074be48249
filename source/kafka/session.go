package kafka

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/IBM/sarama"

	"github.com/millrace/millrace/source"
	"github.com/millrace/millrace/source/kafka/cluster"
)

// bounds are a partition's resolved start and stop.
type bounds struct{ earliest, start, stop int64 }

// session is an open topicSource. It holds no connection of its own: readers have theirs.
type session[T any] struct {
	env source.Env
	src *topicSource[T]
	log *slog.Logger

	listing sync.Mutex // one Splits at a time

	mu      sync.Mutex // guards what follows
	listed  bool       // Splits has succeeded once: what is new from now on begins at its earliest offset
	known   map[Partition]bounds
	leaders map[Partition]cluster.Leader
	ids     map[string]string // identity of each topic when it was first seen: cluster.Topic.Incarnation
}

// Splits implements source.Session. Bounds are resolved once: later calls repeat them and add what is new.
func (s *session[T]) Splits(ctx context.Context) ([]source.Split, error) {
	s.listing.Lock()
	defer s.listing.Unlock()
	topics, err := s.subscribed(ctx)
	if err != nil {
		return nil, err
	}
	counts := make(map[string]int32, len(topics))
	var all []Partition
	for _, t := range topics {
		counts[t.Name] = int32(len(t.Partitions))
		if len(s.src.partitions) > 0 {
			continue
		}
		for id := range t.Partitions {
			all = append(all, Partition{Topic: t.Name, ID: int32(id)})
		}
	}
	for _, p := range s.src.partitions {
		if p.ID >= counts[p.Topic] {
			return nil, fmt.Errorf("kafka partition %s %w: the topic has %d partitions, from 0", splitID(p), ErrTopicMissing, counts[p.Topic])
		}
		all = append(all, p)
	}
	slices.SortFunc(all, comparePartitions)
	if err := s.resolve(ctx, all); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.listed = true
	splits := make([]source.Split, 0, len(all))
	for _, p := range all {
		b := s.known[p]
		splits = append(splits, source.Split{
			ID: splitID(p), Topic: p.Topic, Partition: p.ID, Partitions: counts[p.Topic],
			Earliest: b.earliest, Start: b.start, Stop: b.stop, Incarnation: s.ids[p.Topic],
		})
	}
	return splits, nil
}

// subscribed describes the topics to read, sorted by name, and remembers their identity and leaders.
func (s *session[T]) subscribed(ctx context.Context) ([]cluster.Topic, error) {
	var topics []cluster.Topic
	err := s.src.cluster.Retry(ctx, func() error {
		names := s.src.topicNames()
		ask := names
		if s.src.pattern != nil {
			ask = nil
		}
		meta, err := s.src.cluster.Metadata(ctx, ask...)
		if err != nil {
			return err
		}
		topics, err = s.choose(meta, names)
		return err
	})
	if err != nil {
		return nil, temporaryUnlessMissing(err)
	}
	return topics, s.remember(topics)
}

// choose takes the named topics, which must exist, and those that match the pattern.
func (s *session[T]) choose(meta *cluster.Metadata, names []string) ([]cluster.Topic, error) {
	var topics []cluster.Topic
	var missing []string
	for _, name := range names {
		t, ok := meta.Topics[name]
		switch {
		case !ok || errors.Is(t.Err, sarama.ErrUnknownTopicOrPartition):
			missing = append(missing, name)
		case t.Err != nil:
			return nil, fmt.Errorf("kafka topic %s: %w", name, t.Err)
		default:
			topics = append(topics, t)
		}
	}
	if len(missing) > 0 { // a topic just created may take a moment to be known everywhere, so this is worth another try
		return nil, &missingError{errMissing(missing, s.src.cluster.String())}
	}
	for _, t := range meta.Topics {
		if re := s.src.whole; re != nil && t.Err == nil && !t.Internal && !slices.Contains(names, t.Name) && re.MatchString(t.Name) {
			topics = append(topics, t)
		}
	}
	slices.SortFunc(topics, func(a, b cluster.Topic) int {
		return comparePartitions(Partition{Topic: a.Name}, Partition{Topic: b.Name})
	})
	return topics, nil
}

// remember keeps the topics' leaders, and compares their identity with what it was.
func (s *session[T]) remember(topics []cluster.Topic) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range topics {
		was, ok := s.ids[t.Name]
		if ok && was != t.Incarnation() {
			return errRecreated(t.Name)
		}
		s.ids[t.Name] = t.Incarnation()
		for id, l := range t.Partitions {
			s.leaders[Partition{Topic: t.Name, ID: int32(id)}] = l
		}
	}
	return nil
}

// resolve gives bounds to the partitions that have none yet.
func (s *session[T]) resolve(ctx context.Context, all []Partition) error {
	s.mu.Lock()
	position := s.src.start
	if s.listed {
		position = Earliest()
	}
	fresh := slices.DeleteFunc(slices.Clone(all), func(p Partition) bool { _, ok := s.known[p]; return ok })
	s.mu.Unlock()
	if len(fresh) == 0 {
		return nil
	}
	// The ends are read before anything else: a record that arrives meanwhile then lies behind the end, and after the start.
	ends, err := s.src.cluster.Offsets(ctx, fresh, cluster.Latest, s.src.readCommitted)
	if err != nil {
		return temporary(fmt.Errorf("kafka end offsets: %w", err))
	}
	// The oldest records before the starts: where retention deletes meanwhile, no start lies before what is given as the oldest.
	first, err := s.src.cluster.Offsets(ctx, fresh, cluster.Earliest, false)
	if err != nil {
		return temporary(fmt.Errorf("kafka earliest offsets: %w", err))
	}
	starts := first
	if _, same := position.(earliest); !same {
		if starts, err = position.resolve(ctx, s.src.cluster, fresh, ends); err != nil {
			return temporary(fmt.Errorf("kafka start offsets: %w", err))
		}
	}
	until := ends
	if t := s.src.until; !t.IsZero() {
		if until, err = timestamp(t.UnixMilli()).resolve(ctx, s.src.cluster, fresh, ends); err != nil {
			return temporary(fmt.Errorf("kafka stop offsets: %w", err))
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range fresh {
		b := bounds{earliest: first[p], start: starts[p], stop: source.Unbounded}
		if s.src.untilEnd || !s.src.until.IsZero() {
			b.stop = max(b.start, until[p])
		}
		if stop, ok := s.src.stop[p]; ok {
			b.stop = stop
		}
		s.known[p] = b
	}
	return nil
}

// leader is where p is read; with refresh it asks the cluster, which also shows whether the topic is still the one it was.
func (s *session[T]) leader(ctx context.Context, p Partition, refresh bool) (cluster.Leader, error) {
	s.mu.Lock()
	l, ok := s.leaders[p]
	s.mu.Unlock()
	if ok && !refresh {
		return l, l.Err
	}
	meta, err := s.src.cluster.Metadata(ctx, p.Topic)
	if err != nil {
		return cluster.Leader{}, err
	}
	if t := meta.Topics[p.Topic]; t.Err == nil && t.Name != "" {
		if err := s.remember([]cluster.Topic{t}); err != nil {
			return cluster.Leader{}, err
		}
	}
	l = meta.Leader(p)
	return l, l.Err
}

// Reader implements source.Session. It connects at the first Fetch.
func (s *session[T]) Reader(_ context.Context, split source.Split, at int64) (source.Reader[T], error) {
	if at < 0 {
		return nil, fmt.Errorf("kafka partition %s cannot be read from offset %d", split.ID, at)
	}
	return newReader(s, split, at), nil
}

// DiscoveryInterval implements source.Discoverer.
func (s *session[T]) DiscoveryInterval() int64 {
	if s.src.bounded() || len(s.src.partitions) > 0 {
		return 0
	}
	return int64(max(0, s.src.discovery/time.Nanosecond))
}

// Commit implements source.Committer; without a Group it does nothing.
func (s *session[T]) Commit(ctx context.Context, positions map[string]int64) error {
	if s.src.group == "" {
		return nil
	}
	s.mu.Lock()
	offsets := make(map[Partition]int64, len(positions))
	for p := range s.known {
		if offset, ok := positions[splitID(p)]; ok {
			offsets[p] = offset
		}
	}
	s.mu.Unlock()
	return temporary(s.src.cluster.Commit(ctx, s.src.group, offsets))
}

// Close implements source.Session.
func (s *session[T]) Close() error { return nil }

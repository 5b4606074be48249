package kafka

import (
	"context"
	"time"

	"github.com/IBM/sarama"

	"github.com/millrace/millrace/source/kafka/cluster"
)

// verify makes sure that an answer is of the log that was read so far. A request names the topic, and a topic of the same name that was made since answers it as well: where
// it is longer than the old one was, nothing in the answer tells. So the leader is asked for the topic's identity before the records of an answer are used that comes
// late after the one before, and where the log's end has moved back. While answers come close to each other it is not asked: that costs nothing at full speed.
func (r *reader[T]) verify(ctx context.Context, high int64, filled bool) error {
	now := time.Now()
	since := now.Sub(r.same)
	if high >= r.high && (since < sameFor || !filled && since < sameIdle && !r.same.IsZero()) {
		if filled {
			r.same = now
		}
		return nil
	}
	// The leader itself, over the same connection: another broker may not have heard yet.
	var meta *cluster.Metadata
	err := r.link.Do(ctx, func(b *sarama.Broker) (err error) {
		meta, err = r.session.src.cluster.MetadataFrom(b, r.at.Topic)
		return err
	})
	if err != nil {
		return err
	}
	t := meta.Topics[r.at.Topic]
	if t.Err != nil {
		return t.Err
	}
	if err := r.session.remember([]cluster.Topic{t}); err != nil {
		return err
	}
	r.same = now
	return nil
}

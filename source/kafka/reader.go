package kafka

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/IBM/sarama"

	"github.com/millrace/millrace/source"
	"github.com/millrace/millrace/source/kafka/cluster"
	"github.com/millrace/millrace/source/kafka/internal/batch"
)

const (
	// goneAfter is how long the cluster must deny that a topic exists before that is believed: brokers that start deny too.
	goneAfter = 3 * time.Second
	// sameFor is how long after an answer a topic is taken to be the same without a look: too short for one to be deleted, made again and filled.
	sameFor = 20 * time.Millisecond
	// sameIdle is the same where nothing comes.
	sameIdle = 5 * time.Second
	// checksumTries is how often an answer that does not decode is asked for again before the log is taken to be damaged.
	checksumTries = 3
)

// reader reads one partition over a connection of its own. Everything in it belongs to the goroutine that calls Fetch.
type reader[T any] struct {
	session *session[T]
	dec     source.Decoder[T]
	scratch *source.Scratch
	split   source.Split
	at      Partition
	pos     int64 // the next offset to read
	limit   int32 // bytes to ask for; grows for a batch that does not fit

	link  *cluster.Link // nil when not connected
	epoch int32         // the leader's, as of link
	high  int64         // the highest end seen: an end that moves back means another log
	same  time.Time     // when the topic was last known to be the one that the split belongs to; zero before the first answer
}

func newReader[T any](s *session[T], split source.Split, at int64) *reader[T] {
	return &reader[T]{session: s, dec: s.src.dec, scratch: &source.Scratch{Reuse: s.env.Reuse}, split: split, at: Partition{Topic: split.Topic, ID: split.Partition}, pos: at, limit: s.src.fetchBytes}
}

// Fetch implements source.Reader. It gets over changes of leader and lost connections by itself, for RetryFor.
func (r *reader[T]) Fetch(ctx context.Context) (source.Chunk[T], error) {
	if r.pos >= r.split.Stop {
		return nil, source.EOF
	}
	var out outage
	for {
		c, err := r.poll(ctx)
		switch {
		case c != nil:
			return c, nil
		case err == nil:
			out = outage{}
			continue
		case ctx.Err() != nil:
			return nil, ctx.Err()
		}
		r.disconnect()
		if out.tries == 0 {
			r.session.log.Warn("kafka: reading is interrupted, trying again", "split", r.split.ID, "offset", r.pos, "error", err)
		}
		if err = out.note(err, r.session.src.retryFor); err != nil {
			return nil, r.explain(err)
		}
		if err := cluster.Pause(ctx, out.tries-1); err != nil {
			return nil, err
		}
		// Whatever it was, the cluster's present view says where to go on, and whether the topic is still the same.
		if _, err := r.session.leader(ctx, r.at, true); err != nil {
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			if err = out.note(err, r.session.src.retryFor); err != nil {
				return nil, r.explain(err)
			}
		}
	}
}

// poll asks the leader once. No chunk and no error means that there is more to ask for at once.
func (r *reader[T]) poll(ctx context.Context) (source.Chunk[T], error) {
	if err := r.connect(ctx); err != nil {
		return nil, err
	}
	block, records, err := r.ask(ctx)
	if err != nil {
		return nil, err
	}
	if err := r.verify(ctx, block.HighWaterMarkOffset, len(records) > 0); err != nil {
		return nil, err
	}
	r.high = block.HighWaterMarkOffset
	return r.take(ctx, block, records)
}

func (r *reader[T]) connect(ctx context.Context) error {
	if r.link != nil {
		return nil
	}
	leader, err := r.session.leader(ctx, r.at, false)
	if err != nil {
		return err
	}
	r.link, err = r.session.src.cluster.Dial(ctx, leader.Addr)
	r.epoch = leader.Epoch
	return err
}

func (r *reader[T]) ask(ctx context.Context) (block *sarama.FetchResponseBlock, records []byte, err error) {
	// The partition's limit is the one that counts: kfake leaves the aborted transactions out of an answer that the request's limit cut.
	req := &sarama.FetchRequest{Version: 12, MaxWaitTime: int32(maxWait.Milliseconds()), MinBytes: 1, MaxBytes: maxResponse, SessionEpoch: -1}
	if r.session.src.readCommitted {
		req.Isolation = sarama.ReadCommitted
	}
	req.AddBlock(r.at.Topic, r.at.ID, r.pos, r.limit, r.epoch)
	resp, records, err := r.link.Fetch(ctx, req)
	if err != nil {
		return nil, nil, err
	}
	if err := sarama.KError(resp.ErrorCode); err != sarama.ErrNoError {
		return nil, nil, err
	}
	block = resp.GetBlock(r.at.Topic, r.at.ID)
	switch {
	case block == nil:
		return nil, nil, sarama.ErrIncompleteResponse
	case block.Err == sarama.ErrOffsetOutOfRange:
		return nil, nil, r.outOfRange(ctx)
	case block.Err != sarama.ErrNoError:
		return nil, nil, block.Err
	}
	return block, records, nil
}

// take makes a chunk of an answer and moves on behind it.
func (r *reader[T]) take(ctx context.Context, block *sarama.FetchResponseBlock, records []byte) (source.Chunk[T], error) {
	end := block.HighWaterMarkOffset
	if r.session.src.readCommitted {
		end = block.LastStableOffset
	}
	var aborted []*sarama.AbortedTransaction
	if r.session.src.readCommitted {
		aborted = block.AbortedTransactions
	}
	batches, next, err := visible(records, aborted, r.pos)
	switch {
	case errors.Is(err, batch.ErrTruncated):
		return nil, r.grow()
	case err != nil:
		return nil, fmt.Errorf("%w: %w", errDamaged, err)
	case next == r.pos && r.pos < end: // a throttled broker answers with nothing: do not ask again at full speed
		if err := cluster.Pause(ctx, 0); err != nil {
			return nil, err
		}
	}
	from := r.pos
	r.pos = next
	r.limit = r.session.src.fetchBytes
	atEnd := next >= end
	if len(batches) == 0 && !atEnd && next < r.split.Stop {
		return nil, nil
	}
	// A position past the stop would skip records when a later run has a later stop.
	return newChunk(r.dec, r.scratch, r.split, batches, from, min(next, r.split.Stop), max(next, end), atEnd), nil
}

// grow makes room for a batch that is larger than what was asked for.
func (r *reader[T]) grow() error {
	most := r.session.src.maxBatchBytes
	if r.limit >= most {
		return fmt.Errorf("%w: the batch at offset %d exceeds %d bytes, raise MaxBatchBytes", ErrBatchTooLarge, r.pos, most)
	}
	r.limit = min(most, 2*r.limit)
	return nil
}

// outOfRange says what the log has instead of r.pos, or that it is not the same log.
func (r *reader[T]) outOfRange(ctx context.Context) error {
	if _, err := r.session.leader(ctx, r.at, true); err != nil {
		return err
	}
	ps := []Partition{r.at}
	first, err := r.session.src.cluster.Offsets(ctx, ps, cluster.Earliest, false)
	if err != nil {
		return err
	}
	last, err := r.session.src.cluster.Offsets(ctx, ps, cluster.Latest, false)
	if err != nil {
		return err
	}
	return fmt.Errorf("%w: offset %d is asked for, the log has %d to %d (exclusive); records before it were deleted by retention or by an operator, or the position belongs to another log",
		ErrOffsetOutOfRange, r.pos, first[r.at], last[r.at])
}

// explain names the partition, and marks what waiting may mend.
func (r *reader[T]) explain(err error) error {
	if errors.Is(err, errDenied) {
		err = errDeleted(r.at.Topic)
	}
	return temporary(fmt.Errorf("kafka %s offset %d on %s: %w", r.split.ID, r.pos, r.session.src.cluster, err))
}

func (r *reader[T]) disconnect() {
	if r.link != nil {
		r.link.Close()
		r.link = nil
	}
}

// Close implements source.Reader.
func (r *reader[T]) Close() error {
	r.disconnect()
	return nil
}

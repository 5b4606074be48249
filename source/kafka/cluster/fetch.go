package cluster

import (
	"context"
	"errors"
	"net"

	"github.com/IBM/sarama"
)

// ErrOldFetch is a broker from before Kafka 0.11, whose answers hold records in a format that is not read.
var ErrOldFetch = errors.New("no records are found in the broker's answer to Fetch: it has to speak version 4 of that, which is Kafka 0.11's, or a later one")

// Fetch asks for the records of one partition. They come as the bytes of their batches, which belong to the caller: sarama, which would make an object of
// each record, gets to see an answer without them.
func (l *Link) Fetch(ctx context.Context, req *sarama.FetchRequest) (answer *sarama.FetchResponse, records []byte, err error) {
	err = l.Do(ctx, func(b *sarama.Broker) (err error) {
		answer, err = b.Fetch(req)
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	records, ok := l.dialer.tap.take()
	if !ok && holdsRecords(answer) {
		return nil, nil, ErrOldFetch
	}
	return answer, records, nil
}

func holdsRecords(answer *sarama.FetchResponse) bool {
	for _, partitions := range answer.Blocks {
		for _, b := range partitions {
			if len(b.RecordsSet) > 0 {
				return true
			}
		}
	}
	return false
}

// tap is a broker's connection that keeps the records of a Fetch answer back. Sarama writes and reads by turns, and so orders the calls.
type tap struct {
	net.Conn
	version int16  // of the Fetch request that is to be answered next, 0 for another request
	pending []byte // of an answer that sarama has not read yet

	kept    []byte
	keeping bool // an answer was found to hold kept, even if that is empty
}

const fetchKey = 1

// Write looks which request goes out: sarama writes each in one piece.
func (t *tap) Write(request []byte) (int, error) {
	t.version, t.kept, t.keeping = 0, nil, false
	if c := (cursor{b: request}); c.skip(4) && c.int16() == fetchKey {
		t.version = c.int16()
	}
	return t.Conn.Write(request)
}

func (t *tap) Read(p []byte) (int, error) {
	if t.version > 0 && len(t.pending) == 0 {
		if err := t.answer(); err != nil {
			return 0, err
		}
	}
	if len(t.pending) > 0 {
		n := copy(p, t.pending)
		t.pending = t.pending[n:]
		return n, nil
	}
	return t.Conn.Read(p)
}

// take hands out the records of the last answer; not ok says that they were left in it.
func (t *tap) take() (records []byte, ok bool) {
	records, ok = t.kept, t.keeping
	t.kept, t.keeping = nil, false
	return records, ok
}

package kafka

import (
	"errors"
	"time"

	"github.com/IBM/sarama"

	"github.com/millrace/millrace/source/kafka/cluster"
)

// errDamaged is an answer whose bytes make no sense: once it may be an accident, repeated it is in the log.
var errDamaged = errors.New("damaged or unreadable record batch")

// errDenied is a cluster that kept saying that the topic does not exist.
var errDenied = errors.New("the cluster does not know the topic any more")

// outage is a row of failures without a success between them. The zero value is none.
type outage struct {
	tries   int
	since   time.Time
	denied  time.Time // since when the cluster says that the topic does not exist; zero when it does not say so
	damaged int
}

// note counts err in, and returns it when it is not worth another try.
func (o *outage) note(err error, retryFor time.Duration) error {
	now := time.Now()
	if o.tries == 0 {
		o.since = now
	}
	o.tries++
	var decoding sarama.PacketDecodingError
	switch {
	case errors.Is(err, errDamaged) || errors.As(err, &decoding):
		if o.damaged++; o.damaged >= checksumTries {
			return err
		}
		return nil
	case final(err) || !cluster.Retriable(err):
		return err
	case errors.Is(err, sarama.ErrUnknownTopicOrPartition):
		if o.denied.IsZero() {
			o.denied = now
		}
		if now.Sub(o.denied) >= goneAfter {
			return errDenied
		}
	default:
		o.denied = time.Time{}
	}
	if now.Sub(o.since) >= retryFor {
		return err
	}
	return nil
}

package kafka

import (
	"errors"

	"github.com/IBM/sarama"
)

// missingError is a topic that is not there: tried again for a moment, then final.
type missingError struct{ error }

func (e *missingError) Unwrap() []error { return []error{e.error, sarama.ErrUnknownTopicOrPartition} }

// temporaryUnlessMissing is temporary, but for topics that stayed missing.
func temporaryUnlessMissing(err error) error {
	var missing *missingError
	if errors.As(err, &missing) {
		return missing.error
	}
	return temporary(err)
}

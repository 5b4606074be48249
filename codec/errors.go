package codec

import (
	"errors"
	"fmt"

	"github.com/millrace/millrace/internal/scalar"
)

// ErrMalformed is wrapped by what Decode and DecodeRecord return for bytes that are not an encoding of the type.
var ErrMalformed = scalar.ErrMalformed

// ErrNoValue is wrapped by what DecodeRecord returns for a record without a value (nil, not merely empty): a Kafka tombstone.
var ErrNoValue = errors.New("record has no value")

// malformed keeps the cause and marks it.
func malformed(id string, cause error) error {
	return fmt.Errorf("codec %s: %w: %w", id, ErrMalformed, cause)
}

func noValue(id string) error { return fmt.Errorf("codec %s: %w", id, ErrNoValue) }

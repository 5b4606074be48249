package codec

import (
	"errors"
	"fmt"
)

// ErrMalformed is wrapped by what Decode and DecodeRecord return for bytes that are not an encoding of the type.
var ErrMalformed = errors.New("malformed encoding")

// ErrNoValue is wrapped by what DecodeRecord returns for a record without a value (nil, not merely empty): a Kafka tombstone.
var ErrNoValue = errors.New("record has no value")

func wrongLength(id string, got, want int) error {
	return fmt.Errorf("codec %s: %d bytes, want %d: %w", id, got, want, ErrMalformed)
}

// malformed keeps the cause and marks it.
func malformed(id string, cause error) error {
	return fmt.Errorf("codec %s: %w: %w", id, ErrMalformed, cause)
}

func noValue(id string) error { return fmt.Errorf("codec %s: %w", id, ErrNoValue) }

package source

import (
	"errors"
	"fmt"
)

// DecodeError says which record could not be decoded. Raw is a copy and may be kept.
type DecodeError struct {
	Raw Raw
	Err error
}

func (e *DecodeError) Error() string {
	return fmt.Sprintf("%s/%d offset %d: cannot decode the record (%d bytes): %v", e.Raw.Topic, e.Raw.Partition, e.Raw.Offset, len(e.Raw.Value), e.Err)
}

func (e *DecodeError) Unwrap() error { return e.Err }

type temporary struct{ error }

func (t temporary) Unwrap() error { return t.error }

// Temporary marks an error that waiting may mend (a broker that is away); the engine retries it with backoff. A nil error stays nil.
func Temporary(err error) error {
	if err == nil {
		return nil
	}
	return temporary{err}
}

// IsTemporary reports whether err, or one it wraps, was marked by Temporary.
func IsTemporary(err error) bool {
	var t temporary
	return errors.As(err, &t)
}

package sink

import "errors"

type temporary struct{ error }

func (t temporary) Unwrap() error { return t.error }

// Temporary marks an error that waiting may mend (a lost connection, a serialization failure); the engine retries the same batch with backoff.
// A nil error stays nil.
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

package main

// exitError is an error with an exit code of its own; without text nothing is printed.
type exitError struct {
	code int
	text string
	err  error // may be nil
}

func (e *exitError) Error() string { return e.text }
func (e *exitError) Unwrap() error { return e.err }

// withCode gives an error an exit code; nil stays nil.
func withCode(code int, err error) error {
	if err == nil {
		return nil
	}
	return &exitError{code, err.Error(), err}
}

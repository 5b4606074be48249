package registry

import "errors"

var (
	// ErrFrame is wrapped by errors about bytes that are not in the wire format.
	ErrFrame = errors.New("not in the schema registry's wire format")
	// ErrNotFound is wrapped by errors about an id, subject or version that the registry does not have.
	ErrNotFound = errors.New("not in the schema registry")
	// ErrWrongMessage is wrapped by errors about a record or a schema of another message than the one that is asked for.
	ErrWrongMessage = errors.New("another message")
	// ErrIncompatible is wrapped by errors about a schema that the compiled type does not read, or that the registry refuses beside those it has.
	ErrIncompatible = errors.New("incompatible schema")
	// ErrUnavailable is wrapped by errors that waiting may mend: the registry does not answer, or says that it cannot now. The client has tried several times by then.
	// A Decoder marks them by source.Temporary, an Encoder by sink.Temporary.
	ErrUnavailable = errors.New("schema registry is not available")
)

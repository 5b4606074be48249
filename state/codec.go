package state

// Codec turns values of one type into bytes that stay readable: in the state, across processes, platforms and versions of the program.
// Implementations are immutable and safe for concurrent use. Encoding must be deterministic: equal values give equal bytes, map entries sorted.
type Codec[T any] interface {
	// Append appends the encoding of v to dst.
	Append(dst []byte, v T) ([]byte, error)
	// Decode reads back what Append wrote. The value must not alias src.
	Decode(src []byte) (T, error)
	// ID names the format and its version, for example "proto:clickstream.v1.ClickEvent". A job refuses state written under another ID.
	ID() string
}

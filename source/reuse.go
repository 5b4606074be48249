package source

// Reuser is a Decoder that can read all records of a Reader into one value, in place of a new one for each.
type Reuser[T any] interface {
	Decoder[T]
	// Reuses reports whether it is meant to, so that the engine keeps such values from where they would be kept.
	Reuses() bool
	// Reusing makes a decoder for one Reader. What it returns is valid until its next record.
	Reusing() Decoder[T]
}

// ForReader is the decoder for a new Reader: one that reuses its value where the engine has asked for that in env and d can do it, else d itself.
func ForReader[T any](d Decoder[T], env Env) Decoder[T] {
	if r, ok := d.(Reuser[T]); ok && env.Reuse && r.Reuses() {
		return r.Reusing()
	}
	return d
}

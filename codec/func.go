package codec

// FuncCodec is a codec made of two functions.
type FuncCodec[T any] struct {
	id     string
	append func(dst []byte, v T) ([]byte, error)
	decode func(src []byte) (T, error)
}

// Func makes a codec of two functions, which must keep the promises of state.Codec: deterministic bytes, no aliasing of src, safe for concurrent use.
// id names the format and its version, "session/v2"; change it whenever the bytes change their meaning.
func Func[T any](id string, append func(dst []byte, v T) ([]byte, error), decode func(src []byte) (T, error)) FuncCodec[T] {
	return FuncCodec[T]{id: id, append: append, decode: decode}
}

func (c FuncCodec[T]) Append(dst []byte, v T) ([]byte, error) { return c.append(dst, v) }
func (c FuncCodec[T]) Decode(src []byte) (T, error)           { return c.decode(src) }
func (c FuncCodec[T]) ID() string                             { return c.id }

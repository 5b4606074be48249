// Package codec makes values durable and reads records: each codec is a state.Codec, and those that make sense for a record's value are a
// source.Decoder as well.
//
// Every codec here is immutable, safe for concurrent use and deterministic: equal values give equal bytes, on every platform and in every version
// of the package. Golden tests hold the bytes fixed. A codec's ID stands in the state beside what it wrote; bytes that do not fit are refused with
// ErrMalformed, never guessed at.
//
// Append appends to dst and returns the extended slice; on an error it returns dst as it was. Decode copies what it keeps. Integers and floats are
// written so that their bytes sort like the numbers.
package codec

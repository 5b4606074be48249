// Package registry reads and writes records in the wire format of Confluent's schema registry, for protobuf: each record says by which registered schema it was
// written. It works with Confluent's registry, Apicurio's, Redpanda's, Karapace, and others that speak the same HTTP interface; the client is franz-go's.
//
// A framed record is
//
//	00 | schema id, 4 bytes, big endian | message indexes | the message, in protobuf's binary form
//
// The indexes lead from the schema's file to the message: that of the message among those of the file, then that among those within, and so on. They are a count
// and so many numbers, all as zigzag varints; the first message of a file, [0], is the single byte 00 instead.
//
// A Decoder is a codec.ProtoCodec and uses it for the message, so generated fast paths and aliasing work as they do without a registry. It always decodes into
// the compiled type. The schema that a record names is looked up once, when its id is first seen: it must have a message of the compiled type's full name, at
// the indexes that the record has, whose bytes the compiled type reads by the rules of package compat. What comes of that is kept. After that a record costs one
// atomic load and one look into a map, without a lock and without an allocation of its own.
//
// An Encoder registers the compiled type's schema, with the files it imports as references, and puts the id before each message.
//
// Values only: the keys of records have no part in this.
package registry

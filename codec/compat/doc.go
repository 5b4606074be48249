// Package compat says what changes when a protobuf schema does: which old bytes new code would misread, which new bytes old code would, and which changes
// leave a trap for later.
//
// Three questions are asked of an older and a newer schema. Backward: can code compiled with the newer schema read what was written with the older? Forward:
// can code of the older schema read what is written with the newer? Full: both. In a topic that is kept for ever and read again, backward compatibility with
// every version that ever wrote to it is what a replay needs; forward compatibility is what a roll-back, and readers that are deployed after the writers, need.
//
// Which changes of type keep the bytes readable is taken from the Protocol Buffers Language Guide, "Updating A Message Type"
// (protobuf.dev/programming-guides/proto3/#updating), and of required and groups from its proto2 counterpart:
//
//   - int32, uint32, int64, uint64 and bool are read as each other; a value that does not fit is cut, as by a cast in C++;
//   - sint32 and sint64 are read as each other, and as nothing else; so are fixed32 and sfixed32, and fixed64 and sfixed64;
//   - an enum is read as int32, uint32, int64 and uint64, and the reverse;
//   - string is read as bytes. The guide lets bytes be read as string where they happen to be UTF-8; no schema says so, hence it counts as a change;
//   - an embedded message is read as bytes; the reverse needs what no schema says, as above;
//   - a singular field is read as a repeated one. The guide also has the reverse, where the last element wins, for string, bytes and messages; here that is a
//     finding, since elements are lost;
//   - a map is read as repeated entries with key = 1 and value = 2, and the reverse;
//   - a singular field may move into a new oneof alone, and out of one. Several that meet in one are a finding: only the last that was written is read.
//
// Rules have the names that buf gives them (buf.build/docs/breaking/rules), where it has the same rule. Of its categories there are WIRE, what concerns bytes,
// and WIRE_JSON, which adds the JSON form: names of fields and enum values. Rules of this package's own are FIELD_SAME_NUMBER, a name that moved to another
// number, and ENUM_VALUE_KNOWN_TO_CLOSED, a number that a closed enum (proto2) does not have. Buf has no directions and reports a change that breaks either; here
// only the direction that was asked for is reported. Extensions, services and custom options are not compared.
//
// All functions are safe for concurrent use and keep nothing.
package compat

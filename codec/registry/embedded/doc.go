// Package embedded is a small schema registry inside the program: for development, demonstrations and tests on a machine without one. It is not a fake, what it
// accepts it keeps and checks, and it is not a product: one node, no users, no deletion, protobuf alone, on loopback only.
//
// It answers the part of Confluent's HTTP interface that clients and ordinary tools use: subjects, versions, schemas by id, configuration, and checks of
// compatibility. franz-go's own fake of a registry, srfake, finds every schema compatible and keeps none, which is why it is not used here. Compatibility is
// that of package compat in its category WIRE, which is stricter than Confluent's in one point: a field may only be deleted when its number is reserved.
//
// With a directory the schemas are in one file there, which is written anew and synced with each change. Several processes may serve the same directory at once,
// each on a port of its own: each request locks it.
package embedded

// Package sample is the clicks that come with the program: 31,106 events of 600 users of a consumer-electronics shop, January to June 2024, one JSON object a
// line, in order of arrival. The file NOTICE says whose they are.
package sample

import (
	_ "embed"
)

// Name and Events describe the file.
const (
	Name   = "ecom.jsonl.gz"
	Events = 31_106
)

// Gzip is the file, compressed JSON Lines. It is not to be changed.
//
//go:embed ecom.jsonl.gz
var Gzip []byte

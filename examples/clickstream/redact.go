package main

import "github.com/millrace/millrace/examples/clickstream/internal/target"

// redact takes passwords out of text that is printed: errors and command lines may quote a sink's URL.
func redact(text string) string { return target.Redact(text) }

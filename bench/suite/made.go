package main

import "github.com/millrace/millrace/source"

// made is a chunk of records that are made of their offsets.
type made struct {
	at, end int64
	value   func(at int64) int64
}

func (c *made) End() int64  { return c.end }
func (c *made) AtEnd() bool { return false }
func (c *made) Next(r *source.Record[int64]) bool {
	if c.at == c.end {
		return false
	}
	*r = source.Record[int64]{Value: c.value(c.at), Timestamp: source.NoTimestamp, Offset: c.at}
	c.at++
	return true
}

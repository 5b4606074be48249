package sinktest

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// A crash is played by closing a Writer in the middle and opening one of a new sink value: what a process leaves on disk is the same, and the locks that it would lose are given back.
func runCommits[T any](t *testing.T, c Config[T]) {
	first, second, third := numbered("first", 40), numbered("second", 3_000), numbered("third", 5)
	all := append(append(append([]Record(nil), first...), second...), third...)

	for _, test := range []struct {
		name string
		run  func(t *testing.T, target Target[T])
		want []Record
	}{
		{"invisible before its commit", func(t *testing.T, target Target[T]) {
			s := open(t, c, target.Sink(), 0)
			s.write(puts(first)...)
			require.Empty(t, target.Rows(t), "after Write")
			pending := s.prepare(true)
			require.Empty(t, target.Rows(t), "after Prepare")
			s.commit(pending)
			requireRows(t, c, target, first...)
			s.close()
		}, first},
		{"several checkpoints", func(t *testing.T, target Target[T]) {
			s := open(t, c, target.Sink(), 0)
			s.write(puts(first)...)
			s.commit(s.prepare(false))
			s.write(puts(second)...)
			s.commit(s.prepare(false))
			s.write(puts(third)...)
			s.finish()
		}, all},
		{"rows come between prepare and commit", func(t *testing.T, target Target[T]) {
			s := open(t, c, target.Sink(), 0)
			s.write(puts(first)...)
			pending := s.prepare(false)
			s.write(puts(second)...)
			s.commit(pending)
			s.write(puts(third)...)
			s.finish()
		}, all},
		{"committed twice", func(t *testing.T, target Target[T]) {
			s := open(t, c, target.Sink(), 0)
			s.write(puts(first)...)
			pending := s.prepare(true)
			s.commit(pending)
			s.commit(pending)
			s.close()
		}, first},
		{"no rows at all", func(t *testing.T, target Target[T]) {
			s := open(t, c, target.Sink(), 0)
			s.commit(s.prepare(false))
			s.finish()
		}, nil},
		{"crash before any prepare", func(t *testing.T, target Target[T]) {
			s := open(t, c, target.Sink(), 0)
			s.write(puts(second)...)
			s.close()
			s = open(t, c, target.Sink(), 0)
			s.write(puts(first)...)
			s.finish()
		}, first},
		{"crash before prepare", func(t *testing.T, target Target[T]) {
			s := open(t, c, target.Sink(), 0)
			s.write(puts(first)...)
			pending := s.prepare(false)
			s.commit(pending)
			s.write(puts(second)...)
			s.close()
			s = restart(t, c, target, pending)
			s.write(puts(second)...)
			s.write(puts(third)...)
			s.finish()
		}, all},
		{"crash after prepare, checkpoint not completed", func(t *testing.T, target Target[T]) {
			s := open(t, c, target.Sink(), 0)
			s.write(puts(first)...)
			pending := s.prepare(false)
			s.commit(pending)
			s.write(puts(third)...)
			s.prepare(false)
			s.close()
			s = restart(t, c, target, pending)
			s.write(puts(second)...)
			s.write(puts(third)...)
			s.finish()
		}, all},
		{"crash after prepare of the first checkpoint", func(t *testing.T, target Target[T]) {
			s := open(t, c, target.Sink(), 0)
			s.write(puts(third)...)
			s.prepare(false)
			s.close()
			s = open(t, c, target.Sink(), 0)
			s.write(puts(first)...)
			s.finish()
		}, first},
		{"crash after the checkpoint, before its commit", func(t *testing.T, target Target[T]) {
			s := open(t, c, target.Sink(), 0)
			s.write(puts(first)...)
			pending := s.prepare(false)
			s.close()
			s = restart(t, c, target, pending)
			s.write(puts(second)...)
			s.write(puts(third)...)
			s.finish()
		}, all},
		{"crash after commit", func(t *testing.T, target Target[T]) {
			s := open(t, c, target.Sink(), 0)
			s.write(puts(first)...)
			s.commit(s.prepare(false))
			s.write(puts(second)...)
			pending := s.prepare(false)
			s.commit(pending)
			s.close()
			s = restart(t, c, target, pending)
			s.write(puts(third)...)
			s.finish()
		}, all},
		{"crash after a checkpoint without rows", func(t *testing.T, target Target[T]) {
			s := open(t, c, target.Sink(), 0)
			s.write(puts(first)...)
			s.commit(s.prepare(false))
			pending := s.prepare(false)
			s.commit(pending)
			s.write(puts(third)...)
			s.close()
			s = restart(t, c, target, pending)
			s.write(puts(second)...)
			s.write(puts(third)...)
			s.finish()
		}, all},
		{"crash again and again", func(t *testing.T, target Target[T]) {
			s := open(t, c, target.Sink(), 0)
			s.write(puts(first)...)
			pending := s.prepare(false)
			s.close()
			for range 3 {
				s = restart(t, c, target, pending)
				s.write(puts(third)...)
				s.prepare(false)
				s.close()
			}
			s = restart(t, c, target, pending)
			s.write(puts(second)...)
			pending = s.prepare(false)
			s.close()
			s = restart(t, c, target, pending)
			s.write(puts(third)...)
			s.finish()
		}, all},
		{"crash after the last prepare", func(t *testing.T, target Target[T]) {
			s := open(t, c, target.Sink(), 0)
			s.write(puts(first)...)
			pending := s.prepare(true)
			s.close()
			require.Empty(t, target.Rows(t))
			restart(t, c, target, pending).close()
		}, first},
		{"started again after the end", func(t *testing.T, target Target[T]) {
			s := open(t, c, target.Sink(), 0)
			s.write(puts(first)...)
			pending := s.prepare(true)
			s.commit(pending)
			s.close()
			restart(t, c, target, pending).close()
		}, first},
	} {
		t.Run(test.name, func(t *testing.T) {
			target := c.New(t)
			test.run(t, target)
			requireRows(t, c, target, test.want...)
		})
	}
}

// Package sinktest is the conformance kit for sinks: what the contract in package sink promises, tried on a real destination.
//
//	func TestConformance(t *testing.T) {
//		sinktest.Run(t, sinktest.Config[sinktest.Record]{
//			New: func(t *testing.T) sinktest.Target[sinktest.Record] {
//				path := filepath.Join(t.TempDir(), "rows.db")
//				return sinktest.Target[sinktest.Record]{
//					Sink: func() sink.Sink[sinktest.Record] { return sqlite.Upsert(path, "rows", sinktest.Columns) },
//					Rows: func(t *testing.T) []sinktest.Record { return read(t, path) },
//				}
//			},
//			Value:    sinktest.Same,
//			Features: sinktest.Features{Upserts: true, Atomic: true, Parallel: true},
//		})
//	}
//
// A sink declares what it can do in Features, and the kit checks that it can, that it says so in its Traits, and that it refuses the rest.
package sinktest

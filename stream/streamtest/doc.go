// Package streamtest tests functions and jobs on slices, by the same engine that runs them: no sleeping, no server, the same answer every time.
//
// A Harness runs one function, or a piece of a graph, on records that the test pushes one by one. Event time moves when the test says Watermark,
// processing time when it says AdvanceTime; Take returns what came out since the last Take. Snapshot and Restore take the function through a crash.
//
//	h := streamtest.Keyed(t, Click.User, stream.PerTask(NewAlerts))
//	h.Push(click, at)
//	h.Watermark(at.Add(time.Hour))
//	alerts := h.Take()
//
// A whole job runs to its end with Run, on sources and sinks of the memory packages, with a Clock that stands still unless the test moves it.
//
// Simulate runs a whole job under many courses of events: in each a seed decides who goes on when, what fails and where the process crashes, and the results must
// be those of a run without faults.
//
// Nothing here is safe for concurrent use but Clock and Recorder. Where a function takes a testing.TB it may be nil, as in an Example: a failure then
// panics, and the Harness is closed by hand.
package streamtest

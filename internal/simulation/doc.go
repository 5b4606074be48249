// Package simulation runs a whole job in one process under a seed: which goroutine goes on next, how much time passes, what the log delivers and when, what
// fails and where the process crashes. One seed is one course of events; the same seed gives the same course, step by step.
//
// How: a run lives in a bubble of testing/synctest, which does two things. Its clock stands still until every goroutine waits, so that no delay takes real
// time. And synctest.Wait returns when every goroutine waits, also those that nobody here knows: of a user's function, or of Pebble. The engine's
// goroutines call clock.Turns wherever they begin or have waited, and are held there. So the loop in course.go is: wait until all is still, choose one of
// the held goroutines by the seed, let it go on. What it wakes on its way is held before it touches anything. Where a select of the engine could choose by
// chance between several that are ready, it asks Turns.Pick.
//
// Compared with a scheduler of our own for all goroutines this needs no list of whatever may block, and no changed channels or locks in the engine; compared
// with a bubble alone it is deterministic, since within a bubble goroutines still run at the same time.
//
// A crash makes a process dead: from that step on nothing that it does reaches the log, the sinks or the state. Its goroutines are then wound up, and the next
// process begins with what is left, with other settings. A World is what outlives processes.
//
// What is simulated is what the contracts of source, sink and state say, not a server: a Log's fetches come short, late, or not at all; a table's writes fail before
// they are applied or after; a commit of state is there whole or not at all. Crashes inside of a commit are the matter of internal/metamorphic, on a file
// system that loses what was not synced.
package simulation

// Package inspect looks into the state of a stopped job: its state directory, or a savepoint of it. It lists operators and positions, finds a key, walks over all keys and compares
// two states, without the program that wrote them.
//
//	dir, err := inspect.Open("data/state/sessions-v1")  // a state directory of either backend, or a savepoint
//	defer dir.Close()
//	s, err := inspect.New(dir, inspect.Codecs{"shop-totals/v1": inspect.JSON(totalsCodec)})
//	for e, err := range s.Entries("session-analytics") { ... }
//
// Values are shown as JSON as far as their codec is known: the engine's own (windows, timers, lists, maps, numbers, text), JSON, and those in Codecs. Others are {"hex": "..."}.
//
// An Edit changes keys, values and timers, in one batch; see NewEdit. All else leaves a state as it is. A state directory is locked while it is open here, and one that a running job has open is refused.
package inspect

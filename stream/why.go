package stream

import "github.com/millrace/millrace/watermark"

// Why says in words how far event time has come, which split holds it there and why, and so what a window that has not fired waits for:
//
//	event time is at 2024-05-01T12:00:00.000Z, held by clicks/3: it has no new records; set an idleness in the watermark strategy if it may fall silent
//
// It is for people: the text may change.
func (s Status) Why() string {
	switch {
	case len(s.Splits) == 0:
		return "the job has no splits yet"
	case s.Watermark == watermark.Max && (s.HeldBy != "" || s.finished()):
		return "all input has ended"
	case s.HeldBy == "":
		return "nothing holds event time back: all splits are idle or have ended"
	}
	at := "event time is at " + FormatTime(s.Watermark)
	if s.Watermark == watermark.Min {
		at = "event time has not begun"
	}
	return at + ", held by " + s.HeldBy + ": " + s.reason()
}

func (s Status) finished() bool {
	for _, p := range s.Splits {
		if !p.Finished {
			return false
		}
	}
	return true
}

package window

// atEnd is the default trigger of event-time windows.
type atEnd struct{}

// AtEnd fires when the watermark reaches the window's end, and again for each late record that the window still takes.
// For windows in processing time there is AtProcessingTimeEnd.
func AtEnd() Trigger { return atEnd{} }

func (atEnd) OnElement(w TimeWindow, _ int64, ctx TriggerContext) Result {
	if ctx.Watermark() >= w.MaxTimestamp() {
		return Fire
	}
	return Continue
}

func (atEnd) OnTime(w TimeWindow, time int64, _ TriggerContext) Result { return endReached(w, time) }
func (atEnd) String() string                                           { return "at end" }

func endReached(w TimeWindow, time int64) Result {
	if time >= w.MaxTimestamp() {
		return Fire
	}
	return Continue
}

type atProcessingTimeEnd struct{}

// AtProcessingTimeEnd fires when the wall clock reaches the end of a window in processing time: what such windows do by themselves, for use in AnyOf.
func AtProcessingTimeEnd() Trigger { return atProcessingTimeEnd{} }

func (atProcessingTimeEnd) OnElement(TimeWindow, int64, TriggerContext) Result { return Continue }

func (atProcessingTimeEnd) OnTime(w TimeWindow, time int64, _ TriggerContext) Result {
	return endReached(w, time)
}

func (atProcessingTimeEnd) String() string { return "at processing-time end" }

type never struct{}

// Never does not fire. Windows are still cleaned up when their time has passed.
func Never() Trigger { return never{} }

func (never) OnElement(TimeWindow, int64, TriggerContext) Result { return Continue }
func (never) OnTime(TimeWindow, int64, TriggerContext) Result    { return Continue }
func (never) String() string                                     { return "never" }

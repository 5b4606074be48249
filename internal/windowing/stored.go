package windowing

import "github.com/millrace/millrace/window"

// StoredWindow is a window as it lies in the state, for those who look at it without its job. Contents are encoded.
type StoredWindow struct {
	window.TimeWindow
	Records  int64
	Fired    bool  // the contents were emitted as they are
	Ended    bool  // time has come to its end
	Timer    int64 // the trigger's own, keyed.None without
	Contents []byte
	Places   []Range       // where the records stand, where that is kept
	Shown    []StoredShown // what was emitted before and is to be taken back
}

// StoredShown is a result that was emitted.
type StoredShown struct {
	window.TimeWindow
	Contents []byte
	Told     bool // operators with state have been told already that it is taken back
	Places   []Range
}

// DecodeStored takes the windows of one key apart, whatever their contents are.
func DecodeStored(src []byte) ([]StoredWindow, error) {
	ws, err := windowsCodec[[]byte]{asIs{}}.Decode(src)
	if err != nil {
		return nil, err
	}
	all := make([]StoredWindow, ws.count())
	for i := range all {
		w := ws.at(i)
		all[i] = StoredWindow{TimeWindow: w.TimeWindow, Records: w.count, Fired: w.fired, Ended: w.ended, Timer: w.timer, Contents: w.contents}
		if w.from != nil {
			all[i].Places = w.from.list
		}
		for _, s := range w.shown {
			all[i].Shown = append(all[i].Shown, StoredShown{s.window, s.contents, s.told, s.from})
		}
	}
	return all, nil
}

// EncodeStored puts together what DecodeStored takes apart.
func EncodeStored(all []StoredWindow) ([]byte, error) {
	var ws windows[[]byte]
	for _, w := range all {
		l := ws.add()
		*l = live[[]byte]{TimeWindow: w.TimeWindow, contents: w.Contents, count: w.Records, timer: w.Timer, fired: w.Fired, ended: w.Ended}
		if w.Places != nil {
			l.from = &ranges{list: w.Places}
		}
		for _, s := range w.Shown {
			l.shown = append(l.shown, pane{window: s.TimeWindow, contents: s.Contents, told: s.Told, from: s.Places})
		}
	}
	return windowsCodec[[]byte]{asIs{}}.Append(nil, ws)
}

// Due is a time at or before the one at which the window next needs attention.
func (w *StoredWindow) Due() int64 { return min(w.Timer, endable(w.MaxTimestamp())) }

// asIs leaves contents as they are.
type asIs struct{}

func (asIs) ID() string                                  { return "bytes" }
func (asIs) Append(dst []byte, v []byte) ([]byte, error) { return append(dst, v...), nil }
func (asIs) Decode(src []byte) ([]byte, error)           { return append([]byte(nil), src...), nil }

// DecodeStoredList takes a List apart, whatever its elements are.
func DecodeStoredList(src []byte) ([][]byte, error) { return List[[]byte](asIs{}).Decode(src) }

// EncodeStoredList puts together what DecodeStoredList takes apart.
func EncodeStoredList(elements [][]byte) ([]byte, error) {
	return List[[]byte](asIs{}).Append(nil, elements)
}

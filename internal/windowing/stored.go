package windowing

import "github.com/millrace/millrace/window"

// StoredWindow is a window as it lies in the state, for those who look at it without its job. Contents are encoded.
type StoredWindow struct {
	window.TimeWindow
	Records  int64
	Fired    bool // the contents were emitted as they are
	Contents []byte
	Places   []Range       // where the records stand, where that is kept
	Shown    []StoredShown // what was emitted before and is to be taken back
}

// StoredShown is a result that was emitted.
type StoredShown struct {
	window.TimeWindow
	Contents []byte
}

// DecodeStored takes the windows of one key apart, whatever their contents are.
func DecodeStored(src []byte) ([]StoredWindow, error) {
	ws, err := windowsCodec[[]byte]{asIs{}}.Decode(src)
	if err != nil {
		return nil, err
	}
	all := make([]StoredWindow, len(ws))
	for i, w := range ws {
		all[i] = StoredWindow{TimeWindow: w.TimeWindow, Records: w.count, Fired: w.fired, Contents: w.contents}
		if w.from != nil {
			all[i].Places = w.from.list
		}
		for _, s := range w.shown {
			all[i].Shown = append(all[i].Shown, StoredShown{s.window, s.contents})
		}
	}
	return all, nil
}

// asIs leaves contents as they are.
type asIs struct{}

func (asIs) ID() string                                  { return "bytes" }
func (asIs) Append(dst []byte, v []byte) ([]byte, error) { return append(dst, v...), nil }
func (asIs) Decode(src []byte) ([]byte, error)           { return append([]byte(nil), src...), nil }

// DecodeStoredList takes a List apart, whatever its elements are.
func DecodeStoredList(src []byte) ([][]byte, error) { return List[[]byte](asIs{}).Decode(src) }

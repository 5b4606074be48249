package inspect

import (
	"cmp"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/millrace/millrace/internal/keyed"
	"github.com/millrace/millrace/internal/runtime"
	"github.com/millrace/millrace/internal/scalar"
	"github.com/millrace/millrace/state/savepoint"
)

// ErrNoOperator is returned where a state has no operator of the given uid.
var ErrNoOperator = errors.New("the state has no such operator")

// State is a state that can be asked. It is safe for concurrent use if what it reads is.
type State struct {
	from   savepoint.Scanner
	saved  *runtime.Saved
	codecs Codecs
}

// New reads the list of operators. Codecs may be nil.
func New(from savepoint.Scanner, codecs Codecs) (*State, error) {
	saved, err := runtime.ReadSaved(from)
	if err != nil {
		return nil, err
	}
	return &State{from, saved, codecs}, nil
}

// Describe counts keys and timers; it reads all of the state.
func (s *State) Describe() (*savepoint.Manifest, error) { return savepoint.Describe(s.from) }

// Operators are the uids of all operators, in the order in which the state numbers them.
func (s *State) Operators() (uids []string) {
	for _, o := range s.saved.Operators {
		uids = append(uids, o.UID)
	}
	return uids
}

// Cells are the states that an operator keeps of a key, with their codecs; none where it keeps none.
func (s *State) Cells(uid string) (cells []savepoint.Cell, err error) {
	o, err := s.operator(uid)
	for i, name := range o.Cells {
		cells = append(cells, savepoint.Cell{Name: name, Codec: o.Codecs[i]})
	}
	return cells, err
}

// Entry is the state of one key. Timers are the earliest of their kind, in milliseconds since the Unix epoch, and nil where there is none.
type Entry struct {
	Operator string `json:"operator"`
	// Key is the key as text, or in hex behind "0x" if it is not text that can be printed.
	Key   string `json:"key"`
	Shard uint16 `json:"shard"`
	// Split is the number of the split that the key is bound to, nil where keys are not.
	Split           *int32                     `json:"split,omitempty"`
	EventTimer      *int64                     `json:"event_timer,omitempty"`
	ProcessingTimer *int64                     `json:"processing_timer,omitempty"`
	State           map[string]json.RawMessage `json:"state"`
	raw, value      []byte
}

func (s *State) operator(uid string) (runtime.SavedOperator, error) {
	i := slices.IndexFunc(s.saved.Operators, func(o runtime.SavedOperator) bool { return o.UID == uid })
	if i < 0 {
		return runtime.SavedOperator{}, fmt.Errorf("%w: %q; it has %q", ErrNoOperator, uid, s.Operators())
	}
	return s.saved.Operators[i], nil
}

// Entries walks over the keys of an operator, by shard and then by key. An error ends the walk; it comes with an Entry that says no more than the key, or nothing.
func (s *State) Entries(uid string) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		o, err := s.operator(uid)
		if err != nil {
			yield(Entry{}, err)
			return
		}
		going := true
		err = s.from.Scan(keyed.EntryKey(o.Number, 0, ""), endOf(o.Number), func(key, value []byte) bool {
			e, err := s.entry(o, key, value)
			going = yield(e, err) && err == nil
			return going
		})
		if err != nil && going {
			yield(Entry{}, err)
		}
	}
}

// endOf is the first key after an operator's entries.
func endOf(operator uint16) []byte {
	if operator == 1<<16-1 {
		return []byte{keyed.EntryKey(0, 0, "")[0] + 1}
	}
	return keyed.EntryKey(operator+1, 0, "")[:3]
}

// Get is the state of one key, given as Entry.Key shows it. A key bound to several splits has several.
func (s *State) Get(uid, key string) (found []Entry, err error) {
	o, err := s.operator(uid)
	if err != nil {
		return nil, err
	}
	raw, err := ParseKey(keyCodec(o.Shape), key)
	if err != nil {
		return nil, err
	}
	err = s.find(o, raw, func(key, value []byte) error {
		e, err := s.entry(o, key, value)
		found = append(found, e)
		return err
	})
	if err != nil {
		return nil, err
	}
	return found, nil
}

// keyCodec is the codec of the keys in the definition of an operator.
func keyCodec(shape string) string {
	for part := range strings.SplitSeq(shape, "; ") {
		if codec, ok := strings.CutPrefix(part, "key "); ok {
			codec, _, _ = strings.Cut(codec, " ")
			return codec
		}
	}
	return ""
}

// find has visit called with each stored entry of a key.
func (s *State) find(o runtime.SavedOperator, raw []byte, visit func(key, value []byte) error) error {
	// Whose shard it is depends on how the job is keyed, so all are asked. From one that has keys the next is not far.
	for at := keyed.EntryKey(o.Number, 0, ""); at != nil; {
		shard, ok, err := s.nextShard(at, endOf(o.Number))
		if err != nil || !ok {
			return err
		}
		want := keyed.EntryKey(o.Number, shard, string(raw))
		var bad error
		err = s.from.Scan(want, append(slices.Clone(want), 0), func(key, value []byte) bool {
			bad = visit(key, value)
			return false
		})
		if err := errors.Join(bad, err); err != nil {
			return err
		}
		if at = nil; shard < 1<<16-1 {
			at = keyed.EntryKey(o.Number, shard+1, "")
		}
	}
	return nil
}

// nextShard is the shard of the first entry in a range.
func (s *State) nextShard(from, to []byte) (shard uint16, ok bool, err error) {
	err = s.from.Scan(from, to, func(key, _ []byte) bool {
		p, known := keyed.ParsePlace(key)
		shard, ok = p.Shard, known
		return false
	})
	return shard, ok, err
}

func (s *State) entry(o runtime.SavedOperator, key, value []byte) (Entry, error) {
	p, ok := keyed.ParsePlace(key)
	if !ok {
		return Entry{}, fmt.Errorf("operator %q: key %q is of unknown form", o.UID, key)
	}
	return s.codecs.show(o, p, value)
}

// Show is a key's state, as State.Get shows it, of its stored form: what package stream answers about a running job. Cells are those of the operator, in their order.
func (c Codecs) Show(uid string, shard uint16, key []byte, cells []savepoint.Cell, stored []byte) (Entry, error) {
	o := runtime.SavedOperator{UID: uid}
	for _, cell := range cells {
		o.Cells, o.Codecs = append(o.Cells, cell.Name), append(o.Codecs, cell.Codec)
	}
	return c.show(o, keyed.Place{Shard: shard, Key: key}, stored)
}

func (c Codecs) show(o runtime.SavedOperator, p keyed.Place, stored []byte) (Entry, error) {
	e := Entry{Operator: o.UID, Key: keyText(p.Key), Shard: p.Shard, State: map[string]json.RawMessage{}, raw: slices.Clone(p.Key), value: slices.Clone(stored)}
	v, err := keyed.ParseValue(stored)
	if err != nil {
		return e, fmt.Errorf("operator %q: key %q: %w", o.UID, e.Key, err)
	}
	if v.Split >= 0 {
		e.Split = &v.Split
	}
	e.EventTimer, e.ProcessingTimer = deadline(v.Deadline[keyed.EventTime]), deadline(v.Deadline[keyed.ProcessingTime])
	for cell, b := range v.Cells {
		name, codec := fmt.Sprintf("cell %d", cell), ""
		if cell < len(o.Cells) {
			name, codec = o.Cells[cell], o.Codecs[cell]
		}
		if e.State[name], err = c.decode(codec, b); err != nil {
			return e, fmt.Errorf("operator %q: key %q: state %q as %s: %w", o.UID, e.Key, name, cmp.Or(codec, "bytes"), err)
		}
	}
	return e, nil
}

func deadline(at int64) *int64 {
	if at == keyed.None {
		return nil
	}
	return &at
}

func keyText(key []byte) string {
	if utf8.Valid(key) && !slices.ContainsFunc([]rune(string(key)), func(r rune) bool { return !unicode.IsPrint(r) }) && string(key[:min(2, len(key))]) != "0x" {
		return string(key)
	}
	return "0x" + hex.EncodeToString(key)
}

// ParseKey is the key that a text means to an operator whose keys are of the given codec: what begins with 0x is the key's bytes in hex; else numbers are
// read where keys are numbers, and text as it stands.
func ParseKey(codec, text string) ([]byte, error) {
	if strings.HasPrefix(text, "0x") {
		return parseKey(text)
	}
	switch codec {
	case "int64":
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("key %s: the operator's keys are whole numbers: %w", text, err)
		}
		return scalar.Int[int64]{}.Append(nil, n)
	case "bool":
		b, err := strconv.ParseBool(text)
		if err != nil {
			return nil, fmt.Errorf("key %s: the operator's keys are true or false: %w", text, err)
		}
		return scalar.Bool{}.Append(nil, b)
	}
	return []byte(text), nil
}

func parseKey(text string) ([]byte, error) {
	if len(text) < 2 || text[:2] != "0x" {
		return []byte(text), nil
	}
	b, err := hex.DecodeString(text[2:])
	if err != nil {
		return nil, fmt.Errorf("key %s: what begins with 0x is read as hex: %w", text, err)
	}
	return b, nil
}

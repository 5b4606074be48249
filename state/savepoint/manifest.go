package savepoint

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/millrace/millrace/internal/sealed"
	"github.com/millrace/millrace/state"
)

// Format is the version of the form that Write writes. Open refuses others.
const Format = 1

const manifestName = "manifest.json"

var (
	// ErrExists is returned by Write and Restore where the directory to be made is there already: nothing is ever written over.
	ErrExists = errors.New("it exists already, and nothing is written over")
	// ErrIncomplete is returned by Open where a directory has no manifest: it is no savepoint, or the program ended while it wrote one.
	ErrIncomplete = errors.New("there is no manifest: this is no savepoint, or it was not written to its end")
	// ErrFormat is returned by Open where a program of another version wrote the savepoint.
	ErrFormat = errors.New("savepoint of another format")
)

// Manifest says what a savepoint holds. Times are in milliseconds since the Unix epoch.
type Manifest struct {
	Format int `json:"format"`
	// SHA256 is that of the manifest itself with this field as 64 zeros.
	SHA256 string `json:"sha256"`
	// StateFormat is the version of the keys and values in the files.
	StateFormat    int              `json:"state_format"`
	Job            string           `json:"job"`
	MaxParallelism int              `json:"max_parallelism"`
	Operators      []Operator       `json:"operators"`
	Splits         []Split          `json:"splits"`
	Pending        map[string]int   `json:"pending,omitempty"` // parts that sinks prepared and have to show yet, by the sink's uid
	Epochs         map[string]int64 `json:"epochs,omitempty"`  // number of the last checkpoint, by commit unit
	Files          []File           `json:"files"`
}

// Operator is what a savepoint holds of one operator. Keys and timers are counted; a key has at most one timer record per kind of time.
type Operator struct {
	UID              string `json:"uid"`
	Number           uint16 `json:"number"`
	Shape            string `json:"shape"`
	Cells            []Cell `json:"cells,omitempty"`
	Shards           int    `json:"shards,omitempty"` // with keys
	Keys             int64  `json:"keys"`
	EventTimers      int64  `json:"event_timers"`
	ProcessingTimers int64  `json:"processing_timers"`
	Bytes            int64  `json:"bytes"` // of keys and values, timers included
}

// Cell is a state of an operator and the codec of its values.
type Cell struct {
	Name  string `json:"name"`
	Codec string `json:"codec"`
}

// Split is how far a split was read.
type Split struct {
	Operator  string `json:"operator"`
	ID        string `json:"id"`
	Number    int32  `json:"number"`
	Position  int64  `json:"position"` // the next to read
	Stop      int64  `json:"stop"`
	Watermark int64  `json:"watermark"`
	Finished  bool   `json:"finished,omitempty"`
}

// File is one file of a savepoint.
type File struct {
	Name    string `json:"name"`
	Entries int64  `json:"entries"`
	Bytes   int64  `json:"bytes"`
	SHA256  string `json:"sha256"`
}

// encode sets the manifest's own checksum and returns its bytes.
func (m *Manifest) encode() ([]byte, error) { return sealed.Encode(m, &m.SHA256) }

func readManifest(dir string) (*Manifest, error) {
	path := filepath.Join(dir, manifestName)
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		if _, derr := os.Stat(dir); derr != nil {
			return nil, fmt.Errorf("savepoint: %w", derr)
		}
		return nil, fmt.Errorf("savepoint %s: %w", dir, ErrIncomplete)
	}
	if err != nil {
		return nil, fmt.Errorf("savepoint: %w", err)
	}
	m, err := decodeManifest(b)
	if err != nil {
		return nil, fmt.Errorf("savepoint: %s: %w", path, err)
	}
	return m, nil
}

func decodeManifest(b []byte) (*Manifest, error) {
	m := &Manifest{}
	if err := json.Unmarshal(b, m); err != nil {
		return nil, fmt.Errorf("%w: %w", state.ErrCorrupt, err)
	}
	if m.Format != Format {
		return nil, fmt.Errorf("%w: it says %d, this program reads %d", ErrFormat, m.Format, Format)
	}
	if !sealed.Matches(b, m.SHA256) {
		return nil, fmt.Errorf("%w: it does not match its checksum", state.ErrCorrupt)
	}
	for _, f := range m.Files {
		if _, ok := parseName(f.Name); !ok {
			return nil, fmt.Errorf("%w: a file cannot be called %q", state.ErrCorrupt, f.Name)
		}
	}
	return m, nil
}

// Operator is the operator of that uid, or nil.
func (m *Manifest) Operator(uid string) *Operator {
	for i := range m.Operators {
		if m.Operators[i].UID == uid {
			return &m.Operators[i]
		}
	}
	return nil
}

// Keys is the number of keys of all operators.
func (m *Manifest) Keys() (n int64) {
	for _, o := range m.Operators {
		n += o.Keys
	}
	return n
}

// Bytes is the length of all files but the manifest.
func (m *Manifest) Bytes() (n int64) {
	for _, f := range m.Files {
		n += f.Bytes
	}
	return n
}

// String is the manifest in one line.
func (m *Manifest) String() string {
	var uids []string
	for _, o := range m.Operators {
		if o.Keys > 0 {
			uids = append(uids, fmt.Sprintf("%s %d", o.UID, o.Keys))
		}
	}
	return fmt.Sprintf("job %s: %d keys (%s), %d splits, %d files of %d bytes", m.Job, m.Keys(), strings.Join(uids, ", "), len(m.Splits), len(m.Files), m.Bytes())
}

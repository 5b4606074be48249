package checkpoint

import (
	"encoding/json"
	"fmt"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/millrace/millrace/internal/runtime"
	"github.com/millrace/millrace/internal/sealed"
	"github.com/millrace/millrace/state"
)

// Format is the version of the form that a Keeper writes. Others are refused.
const Format = 1

// Manifest says what a checkpoint holds.
type Manifest struct {
	Format int `json:"format"`
	// SHA256 is that of the manifest itself with this field as 64 zeros.
	SHA256 string `json:"sha256"`
	// Number is the checkpoint's in its place; a later one has a higher number.
	Number int64     `json:"number"`
	Taken  time.Time `json:"taken"`
	Job    string    `json:"job"`
	// Store is the backend's name, StateFormat the version of the keys and values in it.
	Store       string `json:"store"`
	StateFormat int    `json:"state_format"`
	// Epochs are the numbers of the last checkpoint of each commit unit.
	Epochs map[string]int64 `json:"epochs,omitempty"`
	Splits []Split          `json:"splits"`
	// Lineage is where the files are: below files/<lineage>/ in the place.
	Lineage string `json:"lineage"`
	Files   []File `json:"files"`
}

// Split is how far a split was read.
type Split struct {
	Operator  string `json:"operator"`
	ID        string `json:"id"`
	Position  int64  `json:"position"`  // the next to read
	Watermark int64  `json:"watermark"` // in milliseconds
	Finished  bool   `json:"finished,omitempty"`
}

// File is one file of the store. It lies in the place under its checksum.
type File struct {
	Name   string `json:"name"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

const (
	checkpointsDir = "checkpoints/"
	filesDir       = "files/"
	manifestSuffix = ".json"
)

func manifestName(number int64) string {
	return fmt.Sprintf("%s%012d%s", checkpointsDir, number, manifestSuffix)
}

// parseManifestName is the number in a manifest's name; anything else is not ok.
func parseManifestName(name string) (number int64, ok bool) {
	digits := strings.TrimSuffix(strings.TrimPrefix(name, checkpointsDir), manifestSuffix)
	n, err := strconv.ParseInt(digits, 10, 64)
	return n, err == nil && n > 0 && manifestName(n) == name
}

// stored is a file's name in the place.
func (m *Manifest) stored(f File) string { return storedName(m.Lineage, f.SHA256) }

func storedName(lineage, sum string) string { return filesDir + lineage + "/" + sum }

// Bytes is the length of all files.
func (m *Manifest) Bytes() (n int64) {
	for _, f := range m.Files {
		n += f.Bytes
	}
	return n
}

// String is the manifest in one line.
func (m *Manifest) String() string {
	return fmt.Sprintf("checkpoint %d of job %s, %s: %d splits, %d files of %d bytes", m.Number, m.Job, m.Taken.UTC().Format(time.RFC3339), len(m.Splits), len(m.Files), m.Bytes())
}

func (m *Manifest) encode() ([]byte, error) { return sealed.Encode(m, &m.SHA256) }

// decodeManifest reads a manifest and checks that it is whole and that its names are plain.
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
	if !plain(m.Lineage) {
		return nil, fmt.Errorf("%w: a lineage cannot be called %q", state.ErrCorrupt, m.Lineage)
	}
	for _, f := range m.Files {
		if !plain(f.Name) || len(f.SHA256) != sealed.Length || !plain(f.SHA256) || f.Bytes < 0 {
			return nil, fmt.Errorf("%w: a file cannot be %+v", state.ErrCorrupt, f)
		}
	}
	return m, nil
}

// plain reports whether a name stays in its directory.
func plain(name string) bool {
	return name != "" && name != "." && name != ".." && path.Base(name) == name && !strings.ContainsAny(name, "\\:\x00")
}

// describe fills in what the state says of itself.
func (m *Manifest) describe(saved *runtime.Saved) {
	m.Job, m.StateFormat, m.Epochs, m.Splits = saved.Job, saved.Format, saved.Epochs, splitsOf(saved)
}

func splitsOf(saved *runtime.Saved) []Split {
	splits := make([]Split, len(saved.Splits))
	for i, s := range saved.Splits {
		splits[i] = Split{s.Operator, s.ID, s.Position, s.Watermark, s.Finished}
	}
	return splits
}

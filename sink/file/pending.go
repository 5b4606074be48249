package file

import (
	"encoding/json"
	"fmt"
	"path/filepath"
)

// pending is what a checkpoint keeps of a Writer. Its JSON is read by later versions of the program.
type pending struct {
	Length int64  `json:"length"`
	Sum    uint32 `json:"crc32c"`
	Last   bool   `json:"last,omitempty"` // of a single file: it is complete

	Number int64  `json:"number,omitempty"` // of a directory: the newest number the Writer has used
	Part   string `json:"part,omitempty"`   // of a directory: the file's visible name; empty when there were no rows
}

func (p pending) encode() ([]byte, error) { return json.Marshal(p) }

func decodePending(data []byte) (p pending, err error) {
	if err := json.Unmarshal(data, &p); err != nil {
		return p, fmt.Errorf("what the checkpoint says about the file cannot be read (%.80q): %w", data, err)
	}
	if p.Length < 0 || p.Number < 0 || p.Part != "" && filepath.Base(p.Part) != p.Part {
		return p, fmt.Errorf("what the checkpoint says about the file makes no sense: %.80q", data)
	}
	return p, nil
}

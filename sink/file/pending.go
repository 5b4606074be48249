package file

import (
	"encoding/json"
	"fmt"
)

// pending is what a checkpoint keeps of a single file. Its JSON is read by later versions of the program.
type pending struct {
	Length int64  `json:"length"`
	Sum    uint32 `json:"crc32c"`
	Last   bool   `json:"last,omitempty"` // it is complete
}

func (p pending) encode() ([]byte, error) { return json.Marshal(p) }

func decodePending(data []byte) (p pending, err error) {
	if err := json.Unmarshal(data, &p); err != nil {
		return p, fmt.Errorf("what the checkpoint says about the file cannot be read (%.80q): %w", data, err)
	}
	if p.Length < 0 {
		return p, fmt.Errorf("what the checkpoint says about the file makes no sense: %.80q", data)
	}
	return p, nil
}

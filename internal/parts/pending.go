package parts

import (
	"encoding/json"
	"fmt"
)

// pending is what a checkpoint keeps of a Writer. Its JSON is read by later versions of the program.
type pending struct {
	Run     string     `json:"run"`
	Subtask int        `json:"subtask"`
	Number  int64      `json:"number"` // the newest that the Writer has used
	Last    bool       `json:"last,omitempty"`
	Parts   []Prepared `json:"parts,omitempty"`
}

func (p pending) encode() ([]byte, error) { return json.Marshal(p) }

func decodePending(data []byte) (p pending, err error) {
	if err := json.Unmarshal(data, &p); err != nil {
		return p, fmt.Errorf("what the checkpoint says about the files cannot be read (%.80q): %w", data, err)
	}
	sound := p.Run != "" && p.Number >= 0 && p.Subtask >= 0
	for _, part := range p.Parts {
		n, ok := ParseName(part.Name)
		sound = sound && ok && part.Length >= 0 && n.Number >= 1 && n.Number <= p.Number
	}
	if !sound {
		return p, fmt.Errorf("what the checkpoint says about the files makes no sense: %.80q", data)
	}
	return p, nil
}

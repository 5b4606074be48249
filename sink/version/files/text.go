package files

import (
	"bufio"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/millrace/millrace/sink/format"
	"github.com/millrace/millrace/sink/version"
)

// readCSV reads what format.CSV writes. The standard reader cannot tell an empty text from null: the first is in quotes.
func readCSV(r io.Reader, columns []format.Column, add func([]version.Value) error) error {
	in := bufio.NewReader(r)
	for line := 0; ; line++ {
		fields, err := csvLine(in)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil && len(fields) != len(columns) {
			err = fmt.Errorf("it has %d fields, the columns are %d", len(fields), len(columns))
		}
		if err != nil {
			return fmt.Errorf("line %d: %w", line+1, err)
		}
		if line == 0 {
			for i, f := range fields {
				if f.text != columns[i].Name {
					return fmt.Errorf("the header names %s where the location says %s", f.text, columns[i].Name)
				}
			}
			continue
		}
		row := make([]version.Value, len(columns))
		for i, f := range fields {
			if f.text == "" && !f.quoted && columns[i].Nullable {
				continue
			}
			if row[i], err = parse(columns[i].Type, f.text); err != nil {
				return fmt.Errorf("line %d, column %s: %w", line+1, columns[i].Name, err)
			}
		}
		if err := add(row); err != nil {
			return err
		}
	}
}

// parse reads a value's plain text, as table.Column appends it.
func parse(typ, text string) (v version.Value, err error) {
	switch typ {
	case "integer":
		n, err := strconv.ParseInt(text, 10, 64)
		return version.Int(n), err
	case "float":
		f, err := strconv.ParseFloat(text, 64)
		return version.Float(f), err
	case "boolean":
		b, err := strconv.ParseBool(text)
		return version.Bool(b), err
	}
	return version.Text(text), nil
}

type csvField struct {
	text   string
	quoted bool
}

// csvLine reads one record; io.EOF is the end of the file.
func csvLine(in *bufio.Reader) (fields []csvField, err error) {
	var text strings.Builder
	quoted, within := false, false
	for n := 0; ; n++ {
		b, err := in.ReadByte()
		switch {
		case errors.Is(err, io.EOF) && n == 0:
			return nil, io.EOF
		case err != nil:
			return nil, fmt.Errorf("the file ends within a record: %w", io.ErrUnexpectedEOF)
		case within && b != '"':
			text.WriteByte(b)
		case within:
			if next, err := in.Peek(1); err == nil && next[0] == '"' {
				_, _ = in.Discard(1) // it was there
				text.WriteByte('"')
				continue
			}
			within = false
		case b == '"':
			quoted, within = true, true
		case b == ',' || b == '\n':
			fields = append(fields, csvField{text.String(), quoted})
			text.Reset()
			quoted = false
			if b == '\n' {
				return fields, nil
			}
		default:
			text.WriteByte(b)
		}
	}
}

// readJSON reads what format.JSONLines writes.
func readJSON(r io.Reader, columns []format.Column, add func([]version.Value) error) error {
	d := json.NewDecoder(r)
	for line := 1; ; line++ {
		var object map[string]json.RawMessage
		err := d.Decode(&object)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("line %d: %w", line, err)
		}
		row := make([]version.Value, len(columns))
		for i, c := range columns {
			raw, there := object[c.Name]
			if !there {
				return fmt.Errorf("line %d has no %s", line, c.Name)
			}
			if row[i], err = parseJSON(c.Type, raw); err != nil {
				return fmt.Errorf("line %d, column %s: %w", line, c.Name, err)
			}
		}
		if err := add(row); err != nil {
			return err
		}
	}
}

func parseJSON(typ string, raw json.RawMessage) (v version.Value, err error) {
	if string(raw) == "null" {
		return v, nil
	}
	if raw[0] != '"' {
		return parse(typ, string(raw))
	}
	var text string
	if err := json.Unmarshal(raw, &text); err != nil {
		return v, err
	}
	if typ != "bytes" {
		return parse(typ, text)
	}
	b, err := base64.StdEncoding.DecodeString(text)
	return version.Text(hex.EncodeToString(b)), err
}

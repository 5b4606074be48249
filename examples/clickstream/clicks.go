package main

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"

	"github.com/millrace/millrace/codec"
	pb "github.com/millrace/millrace/examples/clickstream/clickstreampb"
	"github.com/millrace/millrace/source"
)

// maxClick bounds the size of one click in a file, in bytes.
const maxClick = 1 << 20

// format is how clicks stand in a file.
type format string

const (
	jsonLines format = "jsonl"     // one JSON object a line, names in snake_case or lowerCamelCase
	delimited format = "delimited" // protobuf messages, the length of each before it as a varint
)

// badClickError is a record of a file that is not a click: what --skip-bad skips.
type badClickError struct {
	where string // "clicks.jsonl, line 7"
	err   error
}

func (e *badClickError) Error() string { return e.where + ": " + inWords(e.err) }
func (e *badClickError) Unwrap() error { return e.err }

// atColumn is what protobuf says of JSON it cannot read; the spaces in it are not always plain ones.
var atColumn = regexp.MustCompile(`(syntax error)?.?\(line \d+:(\d+)\): (.*)`)

// inWords is a decoding error with what a person needs to find the mistake: the column, and fields by their names in the schema.
func inWords(err error) string {
	m := atColumn.FindStringSubmatch(err.Error())
	if m == nil {
		return err.Error()
	}
	text := "column " + m[2] + ": " + m[3]
	if m[1] != "" {
		text = "not JSON: " + text
	}
	fields := (*pb.ClickEvent)(nil).ProtoReflect().Descriptor().Fields()
	for i := range fields.Len() {
		text = strings.ReplaceAll(text, "field "+fields.Get(i).JSONName()+":", "field "+string(fields.Get(i).Name())+":")
	}
	return text
}

// clickReader reads clicks from a file or pipe, compressed or not.
type clickReader struct {
	name   string
	format format
	in     *bufio.Reader
	number int64 // of the record read last, from 1: for JSON Lines its line
	raw    source.Raw
	buffer []byte
	json   *codec.ProtoJSONDecoder[*pb.ClickEvent]
}

// newClickReader reads from in. Compression is told from its first bytes; an empty format from the name.
func newClickReader(name string, f format, in io.Reader) (*clickReader, error) {
	if f == "" {
		f = formatOf(name)
	}
	if f != jsonLines && f != delimited {
		return nil, fmt.Errorf("--format %s: use %s or %s", f, jsonLines, delimited)
	}
	r := &clickReader{name: name, format: f, in: bufio.NewReaderSize(in, 64<<10), json: codec.ProtoJSON[*pb.ClickEvent]()}
	if magic, err := r.in.Peek(2); err == nil && bytes.Equal(magic, []byte{0x1f, 0x8b}) {
		z, err := gzip.NewReader(r.in)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		r.in = bufio.NewReaderSize(z, 64<<10)
	}
	return r, nil
}

func formatOf(name string) format {
	for _, ending := range []string{".pb", ".bin", ".delimited"} {
		if strings.HasSuffix(strings.TrimSuffix(name, ".gz"), ending) {
			return delimited
		}
	}
	return jsonLines
}

// next is the next click. The error is io.EOF at the end, a *badClickError where the next record is none, after which reading can go on, or final.
func (r *clickReader) next() (*pb.ClickEvent, error) {
	record, unit := r.line, "line"
	if r.format == delimited {
		record, unit = r.message, "message"
	}
	value, err := record()
	if errors.Is(err, io.EOF) {
		return nil, io.EOF
	}
	where := fmt.Sprintf("%s, %s %d", r.name, unit, r.number)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", where, err)
	}
	click, err := r.decode(value)
	if err == nil {
		err = check(click)
	}
	if err != nil {
		return nil, &badClickError{where, err}
	}
	return click, nil
}

func (r *clickReader) decode(value []byte) (*pb.ClickEvent, error) {
	r.raw.Value = value
	if r.format == delimited {
		return r.json.Decode(value)
	}
	return r.json.DecodeRecord(&r.raw)
}

// line reads up to the next line that is not blank.
func (r *clickReader) line() ([]byte, error) {
	for {
		r.number++
		r.buffer = r.buffer[:0]
		for {
			part, err := r.in.ReadSlice('\n')
			r.buffer = append(r.buffer, part...)
			if len(r.buffer) > maxClick {
				return nil, fmt.Errorf("longer than %d bytes: is it one click a line?", maxClick)
			}
			if errors.Is(err, bufio.ErrBufferFull) {
				continue
			}
			if err != nil && (!errors.Is(err, io.EOF) || len(r.buffer) == 0) {
				return nil, err
			}
			break
		}
		if text := bytes.TrimSpace(r.buffer); len(text) > 0 {
			return text, nil
		}
	}
}

// message reads the next length and as many bytes.
func (r *clickReader) message() ([]byte, error) {
	r.number++
	size, err := binary.ReadUvarint(r.in)
	if err != nil {
		return nil, err
	}
	if size > maxClick {
		return nil, fmt.Errorf("a message of %d bytes, more than %d: are these length-delimited messages?", size, maxClick)
	}
	r.buffer = append(r.buffer[:0], make([]byte, size)...)
	if _, err := io.ReadFull(r.in, r.buffer); err != nil {
		return nil, fmt.Errorf("the file ends within a message: %w", io.ErrUnexpectedEOF)
	}
	return r.buffer, nil
}

// check says which field of a click makes it useless.
func check(click *pb.ClickEvent) error {
	switch {
	case click.GetUserId() == "":
		return errors.New("field user_id is missing or empty")
	case click.GetEventTimestamp() <= 0:
		return fmt.Errorf("field event_timestamp is missing or not a time: %d; it is milliseconds since the Unix epoch", click.GetEventTimestamp())
	}
	return nil
}

package main

import (
	"bytes"
	"encoding/json"
	"errors"

	"google.golang.org/protobuf/encoding/protojson"

	"github.com/millrace/millrace/codec"
	pb "github.com/millrace/millrace/examples/clickstream/clickstreampb"
	"github.com/millrace/millrace/state/inspect"
)

// stateCodecs show what this program keeps in its state.
var stateCodecs = inspect.Codecs{
	clickCodec.ID():                    clickJSON,
	(HourlyMetrics{}).Codec().ID():     totalsJSON(decodeTotals),
	(HourlyMetrics{true}).Codec().ID(): totalsJSON(decodeTotalsFrom),
}

// stateEncoders read what stateCodecs show. Totals that say where they come from are not among them: they are shown in short.
var stateEncoders = inspect.Encoders{
	clickCodec.ID():                encodeClick,
	(HourlyMetrics{}).Codec().ID(): encodeTotals,
}

func encodeClick(text json.RawMessage) ([]byte, error) {
	e := &pb.ClickEvent{}
	if err := protojson.Unmarshal(text, e); err != nil {
		return nil, err
	}
	return clickCodec.Append(nil, e)
}

func encodeTotals(text json.RawMessage) ([]byte, error) {
	var t totalsText
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&t); err != nil {
		return nil, err
	}
	if t.LogFrom != "" {
		return nil, errors.New("these totals do not keep where they come from")
	}
	return appendTotals(nil, totals{sessions: t.Sessions, withCart: t.WithCart, abandoned: t.Abandoned, durationMs: t.DurationMs})
}

var clickCodec = codec.Proto[*pb.ClickEvent]()

// clickJSON shows a click with the names of its fields. Protojson varies its spaces on purpose, so they are taken out.
func clickJSON(src []byte) (json.RawMessage, error) {
	e, err := clickCodec.Decode(src)
	if err != nil {
		return nil, err
	}
	b, err := protojson.MarshalOptions{UseProtoNames: true}.Marshal(e)
	if err != nil {
		return nil, err
	}
	var tight bytes.Buffer
	err = json.Compact(&tight, b)
	return tight.Bytes(), err
}

type totalsText struct {
	Sessions   int64  `json:"sessions"`
	WithCart   int64  `json:"with_cart"`
	Abandoned  int64  `json:"abandoned"`
	DurationMs int64  `json:"duration_ms"`
	LogFrom    string `json:"log_from,omitempty"`
}

func totalsJSON(decode func([]byte) (totals, error)) func([]byte) (json.RawMessage, error) {
	return func(src []byte) (json.RawMessage, error) {
		t, err := decode(src)
		if err != nil {
			return nil, err
		}
		return json.Marshal(totalsText{t.sessions, t.withCart, t.abandoned, t.durationMs, t.from.String()})
	}
}

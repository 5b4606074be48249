package codec

import (
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/millrace/millrace/source"
)

// ProtoJSONDecoder reads records that are a message in protobuf's JSON form. As a state codec it is the message's binary one, so what was read as JSON
// is stored compactly.
type ProtoJSONDecoder[M proto.Message] struct {
	*ProtoCodec[M]
	options protojson.UnmarshalOptions
}

// ProtoJSONOption changes what ProtoJSON accepts.
type ProtoJSONOption func(*protojson.UnmarshalOptions)

// DiscardUnknown ignores fields that the message does not have; without it they are an error that names the field.
func DiscardUnknown() ProtoJSONOption {
	return func(o *protojson.UnmarshalOptions) { o.DiscardUnknown = true }
}

// ProtoJSON decodes protobuf's JSON form: names in lowerCamelCase or as in the schema (snake_case), 64-bit integers as numbers or strings.
// Nothing aliases the record.
func ProtoJSON[M interface {
	*E
	proto.Message
}, E any](opts ...ProtoJSONOption) *ProtoJSONDecoder[M] {
	d := &ProtoJSONDecoder[M]{ProtoCodec: Proto[M]()}
	for _, o := range opts {
		o(&d.options)
	}
	return d
}

// DecodeRecord reads one JSON object.
func (d *ProtoJSONDecoder[M]) DecodeRecord(r *source.Raw) (M, error) {
	if r.Value == nil {
		var zero M
		return zero, noValue(d.id)
	}
	m := d.fresh()
	if err := d.options.Unmarshal(r.Value, m); err != nil {
		var zero M
		return zero, malformed("json of "+d.id, err)
	}
	return m, nil
}

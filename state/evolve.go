package state

// Migrator is what a Codec may be beside: it reads what codecs of other IDs wrote, such as the versions before it. Package codec makes one of a codec and
// functions (Migrating). A job whose codec is one takes over the state of the older: each value is converted when it is read, and stored in the new form when
// it next changes, so that a start takes no longer with more state.
type Migrator[T any] interface {
	Codec[T]
	// From is what reads values that were written under id, nil if that is not known. It is not asked for its own ID. The value must not alias src.
	From(id string) func(src []byte) (T, error)
}

// ReaderOf is what reads values written under id by way of c: its Decode, or what it is a Migrator for; nil where it cannot read them.
func ReaderOf[T any](c Codec[T], id string) func(src []byte) (T, error) {
	if c.ID() == id {
		return c.Decode
	}
	if m, ok := c.(Migrator[T]); ok {
		return m.From(id)
	}
	return nil
}

// Form is what all codecs are, whatever their type: something with an ID.
type Form interface{ ID() string }

// Composite is what a codec is beside that is made of others: of a list, of a map.
type Composite interface {
	// Parts are the codecs within, those of older versions too.
	Parts() []Form
}

// Described is what a codec is beside whose values have fields that come and go under one ID, as those of a protobuf message do. What it says of itself is
// kept with the state, and compared when another program goes on from it.
type Described interface {
	Form
	// Schema describes the fields, in a form that only this codec has to understand: equal fields, equal bytes.
	Schema() []byte
	// Compare says how the fields of what wrote a state differ from the codec's own. An error means that written cannot be read.
	Compare(written []byte) ([]FieldChange, error)
}

// Schemas are what the described codecs within f, and f itself, say of themselves, by ID; nil where there is none.
func Schemas(f Form) map[string][]byte {
	var all map[string][]byte
	each(f, func(d Described) {
		if all == nil {
			all = map[string][]byte{}
		}
		all[d.ID()] = d.Schema()
	})
	return all
}

// CompareSchemas compares what codecs said of themselves when a state was written with what those within f say now. IDs that f does not know are passed over:
// who writes under another ID, and cannot read the old one, is refused for that.
func CompareSchemas(f Form, written map[string][]byte) (changes []FieldChange, err error) {
	each(f, func(d Described) {
		if was, ok := written[d.ID()]; ok && err == nil {
			var more []FieldChange
			more, err = d.Compare(was)
			changes = append(changes, more...)
		}
	})
	return changes, err
}

// each visits the described codecs within f, each ID once.
func each(f Form, visit func(Described)) {
	seen := map[string]bool{}
	var walk func(Form)
	walk = func(f Form) {
		if d, ok := f.(Described); ok && !seen[d.ID()] {
			seen[d.ID()] = true
			visit(d)
		}
		if c, ok := f.(Composite); ok {
			for _, p := range c.Parts() {
				walk(p)
			}
		}
	}
	walk(f)
}

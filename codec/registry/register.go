package registry

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/twmb/franz-go/pkg/sr"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/millrace/millrace/codec/compat"
)

// wellKnown is the path of files that every registry and compiler has.
const wellKnown = "google/protobuf/"

// Register registers a file under a subject, and first the files that it imports, each under its own path. Where the subject has a version that says the same,
// comments aside, that is returned and nothing is written. The error wraps ErrIncompatible where the registry finds the file incompatible with those it has; it
// then also says what package compat finds.
func (c *Client) Register(ctx context.Context, subject string, f protoreflect.FileDescriptor) (*Schema, error) {
	return c.RegisterText(ctx, subject, f, Text(f))
}

// RegisterText is Register of a file whose text is at hand, with its comments; f is what it compiles to.
func (c *Client) RegisterText(ctx context.Context, subject string, f protoreflect.FileDescriptor, text string) (*Schema, error) {
	versions, err := c.Versions(ctx, subject, false)
	if err != nil {
		return nil, err
	}
	if s := same(versions, f); s != nil {
		return s, nil
	}
	references, err := c.registerImports(ctx, f)
	if err != nil {
		return nil, err
	}
	var id int
	err = c.call(ctx, "registering "+f.Path()+" under subject "+subject, func(ctx context.Context) (err error) {
		id, err = c.sr.RegisterSchema(ctx, subject, sr.Schema{Schema: text, Type: sr.TypeProtobuf, References: references}, -1, -1)
		return err
	})
	if errors.Is(err, ErrIncompatible) {
		return nil, explain(err, versions, f)
	}
	if err != nil {
		return nil, err
	}
	return c.registered(ctx, subject, id, f)
}

// Registered finds the version of a subject that says the same as a file. The error wraps ErrNotFound where there is none.
func (c *Client) Registered(ctx context.Context, subject string, f protoreflect.FileDescriptor) (*Schema, error) {
	versions, err := c.Versions(ctx, subject, false)
	if err != nil {
		return nil, err
	}
	s := same(versions, f)
	if s == nil {
		err = fmt.Errorf("%s: none of the %d versions of subject %s is %s: register it first: %w", c, len(versions), subject, f.Path(), ErrNotFound)
	}
	return s, err
}

// same is the newest version that says what the file says, or nil.
func same(versions []Schema, f protoreflect.FileDescriptor) *Schema {
	want := Text(f)
	for i := len(versions) - 1; i >= 0; i-- {
		if Text(versions[i].File) == want {
			return &versions[i]
		}
	}
	return nil
}

// registered finds the version that an id was registered as. The registry's answer to a registration is only the id.
func (c *Client) registered(ctx context.Context, subject string, id int, f protoreflect.FileDescriptor) (*Schema, error) {
	versions, err := c.Versions(ctx, subject, false)
	if err != nil {
		return nil, err
	}
	for _, v := range versions {
		if v.ID == id {
			return &v, nil
		}
	}
	return nil, fmt.Errorf("%s: %s was registered as id %d, which subject %s does not have", c, f.Path(), id, subject)
}

// registerImports registers what a file imports and returns how it refers to that.
func (c *Client) registerImports(ctx context.Context, f protoreflect.FileDescriptor) (references []sr.SchemaReference, err error) {
	for i := range f.Imports().Len() {
		imported := f.Imports().Get(i)
		if strings.HasPrefix(imported.Path(), wellKnown) {
			continue
		}
		s, err := c.Register(ctx, imported.Path(), imported.FileDescriptor)
		if err != nil {
			return nil, err
		}
		references = append(references, sr.SchemaReference{Name: imported.Path(), Subject: s.Subject, Version: s.Version})
	}
	return references, nil
}

// explain adds what was found here to a refusal, in the directions that a registry may be set to.
func explain(err error, versions []Schema, f protoreflect.FileDescriptor) error {
	var all []compat.Version
	for _, v := range versions {
		all = append(all, compat.Version{Name: v.String(), File: v.File})
	}
	if found := (compat.Check{Mode: compat.Full, Rules: compat.Wire}).All(all, f); len(found) > 0 {
		return fmt.Errorf("%w\n%s", err, compat.Lines(found))
	}
	return err
}

package registry

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/sr"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/millrace/millrace/codec/compat/protofile"
)

// maxReferences bounds how many files a schema may refer to, directly or not.
const maxReferences = 200

// Latest is the number of a subject's newest version.
const Latest = -1

// Schema is a registered protobuf schema, compiled.
type Schema struct {
	Subject string // empty where the schema was looked up by its id
	Version int    // in the subject, from 1
	ID      int
	File    protoreflect.FileDescriptor
}

// String names the schema: "subject clicks-value version 2 (id 7)".
func (s Schema) String() string {
	if s.Subject == "" {
		return fmt.Sprintf("schema id %d", s.ID)
	}
	return fmt.Sprintf("subject %s version %d (id %d)", s.Subject, s.Version, s.ID)
}

// Schema looks up a schema by its id, in the cache first. The error wraps ErrNotFound where there is none.
func (c *Client) Schema(ctx context.Context, id int) (*Schema, error) {
	c.mu.Lock()
	s := c.schemas[id]
	c.mu.Unlock()
	if s != nil {
		return s, nil
	}
	var answer sr.Schema
	doing := fmt.Sprintf("looking up schema id %d", id)
	if err := c.call(ctx, doing, func(ctx context.Context) (err error) {
		answer, err = c.sr.SchemaByID(ctx, id)
		return err
	}); err != nil {
		return nil, err
	}
	s = &Schema{ID: id}
	var err error
	if s.File, err = c.compile(ctx, fmt.Sprintf("schema-id-%d.proto", id), answer); err != nil {
		return nil, fmt.Errorf("%s: %s: %w", c, doing, err)
	}
	c.keep(s)
	return s, nil
}

func (c *Client) keep(s *Schema) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.schemas) >= maxCached {
		clear(c.schemas)
	}
	c.schemas[s.ID] = s
}

// Version looks up a version of a subject, or Latest.
func (c *Client) Version(ctx context.Context, subject string, version int) (*Schema, error) {
	return c.version(ctx, subject, version, false)
}

func (c *Client) version(ctx context.Context, subject string, version int, deleted bool) (*Schema, error) {
	var answer sr.SubjectSchema
	doing := fmt.Sprintf("looking up subject %s version %d", subject, version)
	if version == Latest {
		doing = fmt.Sprintf("looking up the latest version of subject %s", subject)
	}
	if err := c.call(ctx, doing, func(ctx context.Context) (err error) {
		answer, err = c.sr.SchemaByVersion(withDeleted(ctx, deleted), subject, version)
		return err
	}); err != nil {
		return nil, err
	}
	f, err := c.compile(ctx, fmt.Sprintf("%s-version-%d.proto", subject, answer.Version), answer.Schema)
	if err != nil {
		return nil, fmt.Errorf("%s: %s: %w", c, doing, err)
	}
	return &Schema{subject, answer.Version, answer.ID, f}, nil
}

// Versions are all versions of a subject, from the first. With deleted, also those that were deleted but not for good: records written by them may still be
// there. A subject that does not exist has none.
func (c *Client) Versions(ctx context.Context, subject string, deleted bool) ([]Schema, error) {
	var numbers []int
	err := c.call(ctx, "listing the versions of subject "+subject, func(ctx context.Context) (err error) {
		numbers, err = c.sr.SubjectVersions(withDeleted(ctx, deleted), subject)
		return err
	})
	if errors.Is(err, ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	slices.Sort(numbers)
	versions := make([]Schema, len(numbers))
	for i, n := range numbers {
		s, err := c.version(ctx, subject, n, deleted)
		if err != nil {
			return nil, err
		}
		versions[i] = *s
	}
	return versions, nil
}

func withDeleted(ctx context.Context, deleted bool) context.Context {
	if deleted {
		return sr.WithParams(ctx, sr.ShowDeleted)
	}
	return ctx
}

// AllSubjects are the names of all subjects, sorted.
func (c *Client) AllSubjects(ctx context.Context) (names []string, err error) {
	err = c.call(ctx, "listing subjects", func(ctx context.Context) (err error) {
		names, err = c.sr.Subjects(ctx)
		return err
	})
	slices.Sort(names)
	return names, err
}

// compile makes a descriptor of what the registry has, with what it refers to.
func (c *Client) compile(ctx context.Context, name string, s sr.Schema) (protoreflect.FileDescriptor, error) {
	if s.Type != sr.TypeProtobuf {
		return nil, fmt.Errorf("it is of type %s, not PROTOBUF", s.Type)
	}
	imports := map[string]string{}
	if err := c.collect(ctx, s.References, imports); err != nil {
		return nil, err
	}
	return protofile.Parse(ctx, name, s.Schema, imports)
}

// collect fetches the texts of references and of theirs.
func (c *Client) collect(ctx context.Context, references []sr.SchemaReference, texts map[string]string) error {
	for _, r := range references {
		if _, ok := texts[r.Name]; ok || strings.HasPrefix(r.Name, wellKnown) {
			continue
		}
		if len(texts) == maxReferences {
			return fmt.Errorf("it refers to more than %d others", maxReferences)
		}
		var answer sr.SubjectSchema
		err := c.call(ctx, fmt.Sprintf("looking up subject %s version %d, which is imported as %s", r.Subject, r.Version, r.Name), func(ctx context.Context) (err error) {
			answer, err = c.sr.SchemaByVersion(withDeleted(ctx, true), r.Subject, r.Version)
			return err
		})
		if err != nil {
			return err
		}
		texts[r.Name] = answer.Schema.Schema
		if err := c.collect(ctx, answer.References, texts); err != nil {
			return err
		}
	}
	return nil
}

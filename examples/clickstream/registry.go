package main

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/millrace/millrace/codec"
	"github.com/millrace/millrace/codec/registry"
	"github.com/millrace/millrace/codec/registry/embedded"
	pb "github.com/millrace/millrace/examples/clickstream/clickstreampb"
	"github.com/millrace/millrace/source"
)

// embeddedRegistry is the value of --registry for the one inside the program.
const embeddedRegistry = "embedded"

// registryOptions are the flags that say how clicks stand in the topic. The zero value is plain protobuf.
type registryOptions struct {
	url      string // empty without a registry
	subjects string
	plain    bool
}

func (p *program) registryFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&p.registry.url, "registry", "", "schema registry of the clicks: its URL, with USER:PASSWORD@ or these in "+registry.AuthEnv+
		"; or embedded, one inside the program with its data in DATA/registry; without it clicks are plain protobuf")
	f.StringVar(&p.registry.subjects, "subjects", "topic", "how the registry's subjects are named: topic (TOPIC-value), record (the message) or topic-record")
}

// readerFlags are for commands that read clicks.
func (p *program) readerFlags(cmd *cobra.Command) {
	p.registryFlags(cmd)
	cmd.Flags().BoolVar(&p.registry.plain, "accept-plain", false, "with --registry, also read clicks that were published without one")
}

// clickFormat is how clicks stand in the topic: plain protobuf, or in a schema registry's wire format.
type clickFormat struct {
	plain    *codec.ProtoCodec[*pb.ClickEvent]
	topic    string
	registry *registry.Client   // nil without
	own      *embedded.Registry // nil unless it is the one inside the program
	decoder  *registry.Decoder[*pb.ClickEvent]
	encoder  *registry.Encoder[*pb.ClickEvent]
}

// openFormat connects to the registry if there is to be one.
func (p *program) openFormat() (*clickFormat, error) {
	f := &clickFormat{plain: codec.Proto[*pb.ClickEvent](), topic: p.topic}
	if p.registry.url == "" {
		if p.registry.plain {
			return nil, fmt.Errorf("--accept-plain is for topics that moved to a schema registry: use it with --registry")
		}
		return f, nil
	}
	var err error
	if f.registry, f.own, err = p.openRegistry(); err != nil {
		return nil, err
	}
	var opts []registry.DecoderOption
	if p.registry.plain {
		opts = append(opts, registry.AcceptPlain())
	}
	f.decoder = registry.NewDecoder(f.registry, f.plain, opts...)
	f.encoder = registry.NewEncoder(f.registry, f.plain, f.topic)
	return f, nil
}

// openRegistry makes the client, and serves the registry first if it is the embedded one, which is nil otherwise.
func (p *program) openRegistry() (*registry.Client, *embedded.Registry, error) {
	strategy, err := registry.ParseStrategy(p.registry.subjects)
	if err != nil {
		return nil, nil, fmt.Errorf("--subjects: %w", err)
	}
	url := p.registry.url
	var own *embedded.Registry
	if url == embeddedRegistry {
		if own, err = embedded.Start(filepath.Join(p.data, "registry")); err != nil {
			return nil, nil, err
		}
		url = own.URL()
	}
	client, err := registry.New(url, registry.Subjects(strategy))
	if err != nil {
		if own != nil {
			_ = own.Close() // the other error says more
		}
		return nil, nil, fmt.Errorf("--registry: %w", err)
	}
	return client, own, nil
}

// Close ends the connection, and the embedded registry.
func (f *clickFormat) Close() error { return closeRegistry(f.registry, f.own) }

func closeRegistry(client *registry.Client, own *embedded.Registry) error {
	if client == nil {
		return nil
	}
	err := client.Close()
	if own != nil {
		if e := own.Close(); err == nil {
			err = e
		}
	}
	return err
}

// Decoder reads clicks.
func (f *clickFormat) Decoder() source.Decoder[*pb.ClickEvent] {
	if f.decoder == nil {
		return f.plain
	}
	return f.decoder
}

// Append appends a click as it is to be published.
func (f *clickFormat) Append(dst []byte, click *pb.ClickEvent) ([]byte, error) {
	if f.encoder == nil {
		return f.plain.Append(dst, click)
	}
	return f.encoder.Append(dst, click)
}

// checkReader compares the compiled event with every version that the topic may hold, and says what it found.
func (f *clickFormat) checkReader(ctx context.Context, p *program) error {
	if f.decoder == nil {
		return nil
	}
	versions, err := f.decoder.Check(ctx, f.topic)
	if err != nil {
		return fmt.Errorf("%w\nThis program does not read what was published under that schema: it needs one that was compiled with a schema that does", err)
	}
	subject := f.registry.Subject(f.topic, f.message())
	if len(versions) == 0 {
		p.say("Subject %s of the %s has no version yet.", subject, f.registryName())
		return nil
	}
	p.say("The compiled %s reads all %d versions of subject %s in the %s.", f.message(), len(versions), subject, f.registryName())
	return nil
}

// prepareWriter registers the compiled event, and says as what.
func (f *clickFormat) prepareWriter(ctx context.Context, p *program) error {
	if f.encoder == nil {
		return nil
	}
	s, err := f.encoder.Prepare(ctx)
	if err != nil {
		return err
	}
	p.say("The compiled %s is %s in the %s.", f.message(), s, f.registryName())
	return nil
}

func (f *clickFormat) message() protoreflect.FullName {
	return (*pb.ClickEvent)(nil).ProtoReflect().Descriptor().FullName()
}

func (f *clickFormat) registryName() string {
	if f.own != nil {
		return embeddedRegistry + " " + f.registry.String()
	}
	return f.registry.String()
}

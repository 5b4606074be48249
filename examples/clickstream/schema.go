package main

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/millrace/millrace/codec/compat"
	"github.com/millrace/millrace/codec/compat/protofile"
	"github.com/millrace/millrace/codec/registry"
	pb "github.com/millrace/millrace/examples/clickstream/clickstreampb"
)

const (
	compiledSchema = "compiled"  // the schema that this program was compiled with
	registryPrefix = "registry:" // before SUBJECT@VERSION
)

func newSchema(p *program) *cobra.Command {
	parent := &cobra.Command{Use: "schema", Short: "Check and register schemas of the clicks", Args: cobra.NoArgs}
	parent.AddCommand(newSchemaCheck(p), newSchemaRegister(p), newSchemaList(p))
	return parent
}

// schemaFlags are the flags of commands that reach a registry, but no cluster.
func (p *program) schemaFlags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&p.data, "data", "data", "directory of the embedded registry")
	cmd.Flags().StringVar(&p.topic, "topic", defaultTopic, "topic of the clicks, which subjects are named after")
	p.registryFlags(cmd)
}

// schemaCheck are the flags of schema check.
type schemaCheck struct {
	mode       string
	category   string
	transitive bool
	paths      []string
}

func newSchemaCheck(p *program) *cobra.Command {
	var o schemaCheck
	cmd := &cobra.Command{
		Use:   "check OLD... NEW",
		Short: "Say what a change of a schema breaks",
		Long: `Compare an older schema with a newer one, and say which changes break whom: one line each, with message, field, number, what became
what, why, and the rule. The exit code is 1 if there are any.

A schema is
  a file                       path/click_event.proto; what it imports is looked for beside it and above
  registry:SUBJECT@VERSION     a version in the schema registry (--registry); without @VERSION, or with @latest, the newest
  compiled                     what this program was compiled with

Backward means that code with NEW reads data of OLD, forward that code with OLD reads data of NEW, full both. Of several OLD, from the
oldest on, the last is compared, and with --transitive all; a subject without @VERSION then stands for all of its versions.`,
		Example: `  clickstream schema check click_event_v1.proto click_event.proto --mode full
  clickstream schema check registry:raw-clickstream-events-value compiled --transitive --registry http://localhost:8081`,
		Args: cobra.MinimumNArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error { return p.checkSchema(cmd.Context(), o, args) },
	}
	p.schemaFlags(cmd)
	f := cmd.Flags()
	f.StringVar(&o.mode, "mode", compat.Backward.String(), "who must be able to read what: backward, forward or full")
	f.StringVar(&o.category, "category", "wire-json", "which rules: wire for bytes alone, wire-json for names in JSON as well")
	f.BoolVar(&o.transitive, "transitive", false, "compare with all OLD, not only with the last")
	f.StringSliceVar(&o.paths, "proto-path", nil, "directories to look for imported files in, first")
	return cmd
}

func (p *program) checkSchema(ctx context.Context, o schemaCheck, args []string) (err error) {
	mode, err := compat.ParseMode(o.mode)
	if err != nil {
		return fmt.Errorf("--mode: %w", err)
	}
	check := compat.Check{Mode: mode}
	switch o.category {
	case "wire":
		check.Rules = compat.Wire
	case "wire-json":
	default:
		return fmt.Errorf("--category %s: use wire or wire-json", o.category)
	}
	var client *registry.Client
	if p.registry.url != "" {
		c, own, err := p.openRegistry()
		if err != nil {
			return err
		}
		client = c
		defer func() {
			if e := closeRegistry(c, own); err == nil {
				err = e
			}
		}()
	}
	var older []compat.Version
	last := len(args) - 1
	for _, arg := range args[:last] {
		versions, err := schemasAt(ctx, client, arg, o.transitive, o.paths)
		if err != nil {
			return err
		}
		older = append(older, versions...)
	}
	if len(older) == 0 {
		return fmt.Errorf("%s has no versions: there is nothing to compare with", strings.Join(args[:last], ", "))
	}
	if !o.transitive {
		older = older[len(older)-1:]
	}
	newer, err := schemasAt(ctx, client, args[last], false, o.paths)
	if err != nil {
		return err
	}
	if len(newer) == 0 {
		return fmt.Errorf("%s has no version: there is nothing to compare", args[last])
	}
	names := make([]string, len(older))
	for i := range older {
		names[i] = older[i].Name
	}
	found := check.All(older, newer[0].File)
	if len(found) == 0 {
		fmt.Fprintf(p.out, "%s is %s compatible with %s (%s).\n", newer[0].Name, mode, strings.Join(names, ", "), check.Rules)
		return nil
	}
	fmt.Fprintln(p.out, compat.Lines(found))
	return fmt.Errorf("%s is not %s compatible with %s: %s", newer[0].Name, mode, strings.Join(names, ", "), findings(len(found)))
}

func findings(n int) string {
	if n == 1 {
		return "1 finding"
	}
	return strconv.Itoa(n) + " findings"
}

// schemasAt are the schemas that an argument stands for: one, or where all are asked for, all versions of a subject.
func schemasAt(ctx context.Context, client *registry.Client, arg string, all bool, paths []string) ([]compat.Version, error) {
	if arg == compiledSchema {
		return []compat.Version{{Name: arg, File: pb.File_clickstream_v1_click_event_proto}}, nil
	}
	place, ok := strings.CutPrefix(arg, registryPrefix)
	if !ok {
		f, err := protofile.ParseFile(ctx, arg, paths...)
		return []compat.Version{{Name: arg, File: f}}, err
	}
	if client == nil {
		return nil, fmt.Errorf("%s is in a schema registry: say in which with --registry", arg)
	}
	subject, number := place, registry.Latest
	if i := strings.LastIndexByte(place, '@'); i >= 0 {
		subject, all = place[:i], false
		if text := place[i+1:]; text != "latest" {
			n, err := strconv.Atoi(text)
			if err != nil || n < 1 {
				return nil, fmt.Errorf("%s: a version is a number from 1, or latest", arg)
			}
			number = n
		}
	}
	if !all {
		s, err := client.Version(ctx, subject, number)
		if err != nil {
			return nil, err
		}
		return []compat.Version{{Name: fmt.Sprintf("%s version %d", subject, s.Version), File: s.File}}, nil
	}
	versions, err := client.Versions(ctx, subject, true)
	named := make([]compat.Version, len(versions))
	for i, s := range versions {
		named[i] = compat.Version{Name: fmt.Sprintf("%s version %d", subject, s.Version), File: s.File}
	}
	return named, err
}

func newSchemaRegister(p *program) *cobra.Command {
	var subject string
	cmd := &cobra.Command{
		Use:   "register [FILE]",
		Short: "Register a schema, by default the compiled one",
		Long: `Register a .proto file, or without one the schema that this program was compiled with. Where the subject has it already nothing is
changed. The registry refuses it if it is incompatible with what the subject has, by the rule that the registry is set to.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return p.registerSchema(cmd.Context(), subject, args) },
	}
	p.schemaFlags(cmd)
	cmd.Flags().StringVar(&subject, "subject", "", "subject to register under (default as --subjects and --topic say)")
	return cmd
}

func (p *program) registerSchema(ctx context.Context, subject string, args []string) error {
	return p.withRegistry(func(c *registry.Client) error {
		file := pb.File_clickstream_v1_click_event_proto
		text := registry.Text(file)
		if len(args) == 1 {
			f, err := protofile.ParseFile(ctx, args[0])
			if err != nil {
				return err
			}
			b, err := os.ReadFile(args[0])
			if err != nil {
				return err
			}
			file, text = f, string(b)
		}
		if subject == "" {
			if file.Messages().Len() == 0 {
				return fmt.Errorf("%s has no message to name a subject after: use --subject", args[0])
			}
			subject = c.Subject(p.topic, file.Messages().Get(0).FullName())
		}
		s, err := c.RegisterText(ctx, subject, file, text)
		if err != nil {
			return err
		}
		fmt.Fprintf(p.out, "%s is %s.\n", file.Path(), s)
		return nil
	})
}

func newSchemaList(p *program) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "list [SUBJECT...]",
		Short: "List what the schema registry has",
		Args:  cobra.ArbitraryArgs,
		RunE:  func(cmd *cobra.Command, args []string) error { return p.listSchemas(cmd.Context(), args) },
	}
	p.schemaFlags(cmd)
	return cmd
}

func (p *program) listSchemas(ctx context.Context, subjects []string) error {
	return p.withRegistry(func(c *registry.Client) (err error) {
		if len(subjects) == 0 {
			if subjects, err = c.AllSubjects(ctx); err != nil {
				return err
			}
		}
		for _, subject := range subjects {
			versions, err := c.Versions(ctx, subject, false)
			if err != nil {
				return err
			}
			for _, s := range versions {
				fmt.Fprintf(p.out, "%s@%d\tid %d\t%s\n", s.Subject, s.Version, s.ID, messagesOf(s.File))
			}
		}
		return nil
	})
}

// messagesOf names the messages of a file, with the number of their fields.
func messagesOf(f protoreflect.FileDescriptor) string {
	var names []string
	for i := range f.Messages().Len() {
		m := f.Messages().Get(i)
		names = append(names, fmt.Sprintf("%s (%d fields)", m.FullName(), m.Fields().Len()))
	}
	return strings.Join(names, ", ")
}

// withRegistry runs do with the registry that --registry names.
func (p *program) withRegistry(do func(*registry.Client) error) (err error) {
	if p.registry.url == "" {
		return fmt.Errorf("say which schema registry with --registry: its URL, or embedded")
	}
	c, own, err := p.openRegistry()
	if err != nil {
		return err
	}
	defer func() {
		if e := closeRegistry(c, own); err == nil {
			err = e
		}
	}()
	return do(c)
}

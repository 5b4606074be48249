package protofile

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/bufbuild/protocompile"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// Parse compiles the text of a .proto file. name is its path, for messages; imports are the texts of what it imports, by the paths that it imports them by.
// The files of google/protobuf are known. An error says where in the text it is.
func Parse(ctx context.Context, name, text string, imports map[string]string) (protoreflect.FileDescriptor, error) {
	return compile(ctx, name, func(path string) (io.ReadCloser, error) {
		if path == name {
			return io.NopCloser(strings.NewReader(text)), nil
		}
		if t, ok := imports[path]; ok {
			return io.NopCloser(strings.NewReader(t)), nil
		}
		return nil, fs.ErrNotExist
	})
}

// ParseFile compiles a .proto file. What it imports is looked for in the given directories, in the file's own, and in those above that.
func ParseFile(ctx context.Context, path string, dirs ...string) (protoreflect.FileDescriptor, error) {
	if _, err := os.Stat(path); err != nil {
		return nil, fmt.Errorf("schema: %w", err)
	}
	absolute, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("schema: %w", err)
	}
	for dir := filepath.Dir(absolute); ; dir = filepath.Dir(dir) {
		dirs = append(dirs, dir)
		if dir == filepath.Dir(dir) {
			break
		}
	}
	name := filepath.ToSlash(path)
	return compile(ctx, name, func(imported string) (io.ReadCloser, error) {
		if imported == name {
			return os.Open(path)
		}
		if !filepath.IsLocal(filepath.FromSlash(imported)) {
			return nil, fs.ErrNotExist
		}
		for _, dir := range dirs {
			f, err := os.Open(filepath.Join(dir, filepath.FromSlash(imported)))
			if !errors.Is(err, fs.ErrNotExist) {
				return f, err
			}
		}
		return nil, fs.ErrNotExist
	})
}

func compile(ctx context.Context, name string, open func(path string) (io.ReadCloser, error)) (protoreflect.FileDescriptor, error) {
	c := protocompile.Compiler{MaxParallelism: 1, Resolver: protocompile.WithStandardImports(&protocompile.SourceResolver{Accessor: open})}
	files, err := c.Compile(ctx, name)
	if err != nil {
		return nil, fmt.Errorf("schema: %w", err)
	}
	return files[0], nil
}

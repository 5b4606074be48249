package target

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/millrace/millrace/sink"
	"github.com/millrace/millrace/sink/file"
	"github.com/millrace/millrace/sink/format"
	"github.com/millrace/millrace/sink/parquet"
	"github.com/millrace/millrace/sink/s3"
	"github.com/millrace/millrace/sink/table"
	"github.com/millrace/millrace/sink/version/files"
)

// Kinds of directories and prefixes that hold a result in many files: version v2 of sessions is in sessions/v2 below the root that the URL names.
var (
	parquetKind  = directoryKind("parquet", "parquet:DIR", "a directory: each checkpoint adds whole Parquet files to DIR/sessions/v1")
	csvDirKind   = directoryKind("csv/", "csv:DIR/", "the same in CSV; the slash at the end says that it is a directory")
	jsonlDirKind = directoryKind("jsonl/", "jsonl:DIR/", "the same in JSON Lines")
	s3Kind       = kind{
		name: "s3", form: "s3://BUCKET/PREFIX/", help: "the same as objects, with ?format=parquet, csv or jsonl; another server than Amazon's by &endpoint=URL&region=R&path-style=true",
		parse: func(scheme, rest string) (path, table string, err error) {
			_, _, err = parseS3(scheme + ":" + rest)
			return scheme + ":" + rest, "", err
		},
		below: func(root, name string) string {
			l, _, err := parseS3(root)
			if err != nil {
				return root // which Parse has refused
			}
			return l.Below(name).String()
		},
	}
)

func directoryKind(name, form, help string) kind {
	return kind{
		name: name, form: form, help: help,
		parse: func(_, rest string) (path, table string, err error) {
			if strings.ContainsRune(rest, 0) {
				return "", "", errors.New("the directory's name has a zero byte")
			}
			return rest, "", nil
		},
		below: func(root, name string) string { return filepath.Join(root, filepath.FromSlash(name)) },
	}
}

// s3Formats are the values of format=.
var s3Formats = []string{"parquet", "csv", "jsonl"}

func parseS3(text string) (l s3.Location, formatName string, err error) {
	l, rest, err := s3.ParseLocation(text)
	if err != nil {
		return l, "", err
	}
	if formatName = rest.Get("format"); formatName == "" {
		formatName = s3Formats[0]
	}
	rest.Del("format")
	for name := range rest {
		return l, "", fmt.Errorf("parameter %s is not known: only format, endpoint, region and path-style are", name)
	}
	if formatOf(formatName, table.Columns[struct{}]{}) == nil {
		return l, "", fmt.Errorf("format=%s: use %s", formatName, strings.Join(s3Formats, ", "))
	}
	return l, formatName, nil
}

// formatOf is the format of a name, nil for one that is not known.
func formatOf[T any](name string, columns table.Columns[T]) format.Format[T] {
	switch name {
	case "parquet":
		return parquet.Format(columns)
	case "csv":
		return format.CSV(columns)
	case "jsonl":
		return format.JSONLines(columns)
	}
	return nil
}

// openParts makes the sink of a kind with below.
func openParts[T any](t Target, columns table.Columns[T]) sink.Sink[T] {
	if t.Kind != s3Kind.name {
		return file.Directory(t.Path, formatOf(strings.TrimSuffix(t.Kind, "/"), columns), file.Below(t.name()))
	}
	l, formatName, err := parseS3(t.Path)
	if err != nil { // which Parse has refused; the sink says so again
		l = s3.Location{}
	}
	return s3.Sink(l.Below(t.name()), formatOf(formatName, columns))
}

// files are those of a place that a catalog of the target's versions records.
func (t Target) files(ctx context.Context, place string) (fs.FS, error) {
	if t.Kind != s3Kind.name {
		return files.Directories(ctx, place)
	}
	root, _, err := parseS3(t.Path)
	if err != nil {
		return nil, err
	}
	l, _, err := s3.ParseLocation(place)
	if err != nil {
		return nil, err
	}
	l.Endpoint, l.Region, l.PathStyle = root.Endpoint, root.Region, root.PathStyle
	return s3.Files(ctx, l)
}

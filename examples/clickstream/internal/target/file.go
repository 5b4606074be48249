package target

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

var (
	csvKind   = fileKind("csv", "a file, which appears when the job has ended; PATH may hold {version}")
	jsonlKind = fileKind("jsonl", "the same as JSON Lines")
)

func fileKind(name, help string) kind {
	return kind{
		name: name, form: name + ":PATH", help: help,
		parse: func(_, rest string) (path, table string, err error) { return rest, "", nil },
		beside: func(path, name string) string {
			ext := filepath.Ext(path)
			return strings.TrimSuffix(path, ext) + "-" + name + ext
		},
		fresh: func(path string) error {
			_, err := os.Lstat(path)
			if err == nil {
				return fmt.Errorf("%s exists, and a result is never overwritten: move it away or choose another path", path)
			}
			if errors.Is(err, fs.ErrNotExist) {
				return nil
			}
			return err
		},
		hidden: func(path string) string { return path + ".inprogress" },
	}
}

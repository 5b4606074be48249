//go:build !unix

package embedded

import "fmt"

// lock has no advisory file locks to build on here.
func lock(dir string) (unlock func(), err error) {
	return nil, fmt.Errorf("embedded schema registry: a directory (%s) needs a Unix system: start it in memory, or use a real registry", dir)
}

package servers

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

const tailOfLogBytes = 4 << 10

// owner is the user that a server which refuses root runs as; nil means the present user.
type owner struct{ uid, gid int }

// unprivilegedOwner is nil unless the process runs as root; then it is the named user.
func unprivilegedOwner(name string) (*owner, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	u, err := user.Lookup(name)
	if err != nil {
		return nil, err
	}
	uid, uidErr := strconv.Atoi(u.Uid)
	gid, gidErr := strconv.Atoi(u.Gid)
	return &owner{uid, gid}, errors.Join(uidErr, gidErr)
}

// run makes cmd run as the owner.
func (o *owner) run(cmd *exec.Cmd) {
	if o != nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(o.uid), Gid: uint32(o.gid)}}
	}
}

// take makes dir, gives it to the owner and sees to it that the owner can reach it.
func (o *owner) take(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if o == nil {
		return nil
	}
	temp := os.TempDir()
	for above := filepath.Dir(dir); above != filepath.Dir(above); above = filepath.Dir(above) {
		info, err := os.Stat(above)
		if err != nil {
			return err
		}
		if info.Mode().Perm()&0o001 != 0 {
			continue
		}
		// testing.T.TempDir lies below a directory that only root may enter.
		if !strings.HasPrefix(above, temp+string(filepath.Separator)) {
			return fmt.Errorf("%s: uid %d cannot enter %s; choose a directory below %s", dir, o.uid, above, temp)
		}
		if err := os.Chmod(above, info.Mode().Perm()|0o011); err != nil {
			return err
		}
	}
	return os.Chown(dir, o.uid, o.gid)
}

// freeLoopbackPort is a TCP port on 127.0.0.1 that nobody listens on at this moment.
func freeLoopbackPort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("free port: %w", err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// tailOfLog is the end of a server's log, for error messages; a log that cannot be read gives the reason instead.
func tailOfLog(path string) string {
	f, err := os.Open(path)
	if err != nil {
		return err.Error()
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.Size() > tailOfLogBytes {
		if _, err := f.Seek(-tailOfLogBytes, io.SeekEnd); err != nil {
			return err.Error()
		}
	}
	data, err := io.ReadAll(io.LimitReader(f, tailOfLogBytes))
	if err != nil {
		return err.Error()
	}
	return string(data)
}

func lastBytes(b []byte, n int) []byte { return b[max(0, len(b)-n):] }

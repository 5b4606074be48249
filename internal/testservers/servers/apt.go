package servers

import (
	"context"
	"fmt"
	"os"
	"os/exec"
)

// debianProgram finds a program, and where that is possible installs the Debian package that has it.
func debianProgram(ctx context.Context, program, pkg string) (string, error) {
	path, err := exec.LookPath(program)
	if err == nil {
		return path, nil
	}
	if err := aptInstall(ctx, pkg); err != nil {
		return "", fmt.Errorf("%s: %w", program, err)
	}
	return exec.LookPath(program)
}

// aptInstall installs a Debian package, as root on a Debian system.
func aptInstall(ctx context.Context, pkg string) error {
	if _, err := exec.LookPath("apt-get"); os.Geteuid() != 0 || err != nil {
		return fmt.Errorf("it is missing; install the package %s", pkg)
	}
	cache, err := cacheDir()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return err
	}
	unlock, err := lockFile(cache + "/apt.lock")
	if err != nil {
		return err
	}
	defer unlock()
	for _, args := range [][]string{{"update"}, {"install", "-y", "--no-install-recommends", pkg}} {
		cmd := exec.CommandContext(ctx, "apt-get", args...)
		cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive", "RUNLEVEL=1") // the second has packages start no server of their own
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("apt-get %s: %w\n%s", args[0], err, lastBytes(out, tailOfLogBytes))
		}
	}
	return nil
}

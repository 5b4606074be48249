package target

import "errors"

var printKind = kind{
	name: "print", form: "print:", help: "standard output",
	noPath: true,
	parse: func(_, rest string) (path, table string, err error) {
		if rest != "" {
			return "", "", errors.New("print: prints here, and has nothing behind it")
		}
		return "", "", nil
	},
	describe: func(string) string { return "standard output" },
}

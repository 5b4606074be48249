package main

import (
	"os"
	"regexp"
	"strings"
)

// plainWord needs no quotes in a shell.
var plainWord = regexp.MustCompile(`^[A-Za-z0-9_@%+=:,./-]+$`)

// again is the command that this process was started with, for a shell, without passwords.
func again() string {
	words := []string{self()}
	for _, arg := range os.Args[1:] {
		words = append(words, quote(redact(arg)))
	}
	return strings.Join(words, " ")
}

func quote(word string) string {
	if plainWord.MatchString(word) {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}

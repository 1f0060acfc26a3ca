// Verify checks a log's files with packages of the Go project alone: golang.org/x/mod/sumdb/note reads the
// signatures, golang.org/x/mod/sumdb/tlog the proofs.
//
// It takes a folder with the files that a ledger hands out:
//
//	key                the log's verifier key
//	checkpoint         its newest head
//	receipt            a receipt of the event
//	event              the canonical bytes of an event
//	proof              the event's .tlog-proof under that head
//	old                an earlier head
//	consistency.json   how the newest head continues it
package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

var folder string

func main() {
	folder = os.Args[1]
	verifier, err := note.NewVerifier(strings.TrimSpace(read("key")))
	require("the key", err)
	newest := checkpoint(read("checkpoint"), verifier)
	old := checkpoint(read("old"), verifier)

	_, err = note.Open([]byte(read("receipt")), note.VerifierList(verifier))
	require("the receipt", err)

	above, below, _ := strings.Cut(read("proof"), "\n\n")
	under := checkpoint(below, verifier)
	if under != newest {
		require("the proof's head", fmt.Errorf("it isn't the newest head"))
	}
	lines := strings.Split(above, "\n")
	index, err := strconv.ParseInt(strings.TrimPrefix(lines[1], "index "), 10, 64)
	require("the index", err)
	leaf := tlog.RecordHash([]byte(read("event")))
	require("the inclusion", tlog.CheckRecord(hashes(lines[2:]), under.N, under.Hash, index, leaf))

	var consistency struct{ Proof []string }
	require("the consistency proof", json.Unmarshal([]byte(read("consistency.json")), &consistency))
	require("the consistency",
		tlog.CheckTree(hashes(consistency.Proof), newest.N, newest.Hash, old.N, old.Hash))

	fmt.Printf("%s: leaf %d of %d, continuing %d\n", verifier.Name(), index, newest.N, old.N)
}

// A checkpoint is what the Go checksum database signs, with another first line.
func checkpoint(signed string, verifier note.Verifier) tlog.Tree {
	opened, err := note.Open([]byte(signed), note.VerifierList(verifier))
	require("the checkpoint's signature", err)
	lines := strings.Split(opened.Text, "\n")
	if lines[0] != verifier.Name() {
		require("the origin", fmt.Errorf("%q", lines[0]))
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	require("the size", err)
	root, err := tlog.ParseHash(lines[2])
	require("the root", err)
	return tlog.Tree{N: size, Hash: root}
}

func hashes(lines []string) []tlog.Hash {
	found := make([]tlog.Hash, len(lines))
	for place, line := range lines {
		content, err := base64.StdEncoding.DecodeString(line)
		require("a hash", err)
		copy(found[place][:], content)
	}
	return found
}

func read(name string) string {
	content, err := os.ReadFile(filepath.Join(folder, name))
	require(name, err)
	return string(content)
}

func require(what string, err error) {
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", what, err)
		os.Exit(1)
	}
}

// Checks what Go's own sumdb packages say of our checkpoint, proofs and tiles.
//
// Usage: interop FOLDER, with case.json and tiles below FOLDER. Prints one line for each thing
// that is not as case.json demands, and "done" with the number of checks.
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

type inclusion struct {
	Index int64
	Leaf  []byte
	Proof [][]byte
	Holds bool
}

type consistency struct {
	Old   int64
	Root  []byte
	Proof [][]byte
	Holds bool
}

type testCase struct {
	Vkey, Note    string
	Size          int64
	Inclusion     []inclusion
	Consistency   []consistency
	TileIndexes   []int64
	ForgedIndexes []int64
}

var checks, wrong int

func expect(condition bool, format string, arguments ...any) {
	checks++
	if !condition {
		wrong++
		fmt.Printf(format+"\n", arguments...)
	}
}

func must(err error) {
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}

func hash(octets []byte) (h tlog.Hash) {
	copy(h[:], octets)
	return h
}

func hashes(proof [][]byte) []tlog.Hash {
	found := []tlog.Hash{}
	for _, octets := range proof {
		found = append(found, hash(octets))
	}
	return found
}

// tiles reads tiles by our names; the tile whose path is forged has one bit changed.
type tiles struct {
	folder string
	forged string
}

func (t tiles) Height() int { return 8 }

func (t tiles) SaveTiles([]tlog.Tile, [][]byte) {}

// path is a tile's name in our log: Go's names carry the height, ours do not.
func (t tiles) path(tile tlog.Tile) string {
	return strings.Replace(tile.Path(), "tile/8/", "tile/", 1)
}

func (t tiles) ReadTiles(wanted []tlog.Tile) ([][]byte, error) {
	var found [][]byte
	for _, tile := range wanted {
		data, err := os.ReadFile(filepath.Join(t.folder, t.path(tile)))
		if err != nil {
			return nil, err
		}
		if t.path(tile) == t.forged {
			data[len(data)/2] ^= 1
		}
		found = append(found, data)
	}
	return found, nil
}

// recorder notes which tiles a read needs.
type recorder struct {
	tiles
	seen map[string]bool
}

func (r recorder) ReadTiles(wanted []tlog.Tile) ([][]byte, error) {
	for _, tile := range wanted {
		r.seen[r.path(tile)] = true
	}
	return r.tiles.ReadTiles(wanted)
}

func main() {
	folder := os.Args[1]
	data, err := os.ReadFile(filepath.Join(folder, "case.json"))
	must(err)
	var c testCase
	must(json.Unmarshal(data, &c))

	verifier, err := note.NewVerifier(c.Vkey)
	must(err)
	opened, err := note.Open([]byte(c.Note), note.VerifierList(verifier))
	must(err)
	lines := strings.Split(opened.Text, "\n")
	size, err := strconv.ParseInt(lines[1], 10, 64)
	must(err)
	expect(size == c.Size, "size %d", size)
	octets, err := base64.StdEncoding.DecodeString(lines[2])
	must(err)
	root := hash(octets)
	forged := strings.Replace(c.Note, "\n"+lines[1]+"\n", "\n1\n", 1)
	_, err = note.Open([]byte(forged), note.VerifierList(verifier))
	expect(err != nil, "a forged checkpoint was opened")

	for _, one := range c.Inclusion {
		err := tlog.CheckRecord(hashes(one.Proof), size, root, one.Index, tlog.RecordHash(one.Leaf))
		expect((err == nil) == one.Holds, "inclusion of %d: %v", one.Index, err)
	}
	for _, one := range c.Consistency {
		err := tlog.CheckTree(hashes(one.Proof), size, root, one.Old, hash(one.Root))
		expect((err == nil) == one.Holds, "consistency from %d: %v", one.Old, err)
	}

	tree := tlog.Tree{N: size, Hash: root}
	seen := recorder{tiles{folder, ""}, map[string]bool{}}
	for _, index := range c.TileIndexes {
		_, err := tlog.ProveRecord(size, index, tlog.TileHashReader(tree, seen))
		expect(err == nil, "tiles of %d: %v", index, err)
	}
	for _, index := range c.ForgedIndexes {
		path := recorder{tiles{folder, ""}, map[string]bool{}}
		_, err := tlog.TileHashReader(tree, path).ReadHashes([]int64{tlog.StoredHashIndex(0, index)})
		expect(err == nil, "tiles of %d: %v", index, err)
		for name := range path.seen {
			reader := tlog.TileHashReader(tree, tiles{folder, name})
			_, err := reader.ReadHashes([]int64{tlog.StoredHashIndex(0, index)})
			expect(err != nil, "forged %s was believed for %d", name, index)
		}
	}
	fmt.Printf("done %d %d\n", checks, wrong)
}

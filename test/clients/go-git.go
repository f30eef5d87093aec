// go-git: "clone URL DIRECTORY DEPTH" or "fetch DIRECTORY DEPTH".
package main

import (
	"errors"
	"log"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing/transport"
	"github.com/go-git/go-git/v5/plumbing/transport/client"
	"github.com/go-git/go-git/v5/plumbing/transport/file"
	"github.com/go-git/go-git/v5/plumbing/transport/ssh"
)

func main() {
	// A path is served by the program in UPLOAD_PACK.
	client.InstallProtocol("file", file.NewClient(os.Getenv("UPLOAD_PACK"), ""))
	command, words := os.Args[1], os.Args[2:]
	depth, err := strconv.Atoi(words[len(words)-1])
	if err != nil {
		log.Fatal(err)
	}
	if command == "clone" {
		_, err = git.PlainClone(words[1], false, &git.CloneOptions{URL: words[0], Auth: authFor(words[0]), Depth: depth})
	} else {
		err = fetch(words[0], depth)
	}
	if err != nil && !errors.Is(err, git.NoErrAlreadyUpToDate) {
		log.Fatal(err)
	}
}

func fetch(directory string, depth int) error {
	repository, err := git.PlainOpen(directory)
	if err != nil {
		return err
	}
	remote, err := repository.Remote("origin")
	if err != nil {
		return err
	}
	return remote.Fetch(&git.FetchOptions{Auth: authFor(remote.Config().URLs[0]), Depth: depth, Tags: git.AllTags})
}

func authFor(url string) transport.AuthMethod {
	if !strings.HasPrefix(url, "ssh:") {
		return nil
	}
	endpoint, err := transport.NewEndpoint(url)
	if err != nil {
		log.Fatal(err)
	}
	key := filepath.Join(os.Getenv("HOME"), ".ssh/id_ecdsa")
	auth, err := ssh.NewPublicKeysFromFile(endpoint.User, key, "")
	if err != nil {
		log.Fatal(err)
	}
	return auth
}

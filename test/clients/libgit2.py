"""libgit2 by pygit2: `clone URL DIRECTORY 0` or `fetch DIRECTORY 0`."""
import os
import sys

import pygit2

KEY = os.path.expanduser("~/.ssh/id_ecdsa")


class Callbacks(pygit2.RemoteCallbacks):
    def credentials(self, url, username_from_url, allowed_types):
        return pygit2.Keypair(username_from_url, KEY + ".pub", KEY, "")


command, *words, _ = sys.argv[1:]
if command == "clone":
    pygit2.clone_repository(*words, callbacks=Callbacks())
else:
    pygit2.Repository(*words).remotes["origin"].fetch(callbacks=Callbacks())

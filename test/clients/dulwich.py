"""dulwich: `clone URL DIRECTORY DEPTH` or `fetch DIRECTORY DEPTH`."""
import sys

from dulwich import client, porcelain

# Without these a path is read by dulwich itself; now it is served by the program in UPLOAD_PACK.
client.default_local_git_client_cls = client.SubprocessGitClient
client.find_git_command = lambda: ["sh", "-c", 'exec "$UPLOAD_PACK" "$1"']

command, *words, depth = sys.argv[1:]
if command == "clone":
    porcelain.clone(*words, depth=int(depth) or None)
else:
    porcelain.fetch(*words, "origin", depth=int(depth) or None)

# git: `clone URL DIRECTORY DEPTH [FILTER]` or `fetch DIRECTORY DEPTH`, after the version of the protocol.
# A path is served by the program in UPLOAD_PACK, if there is one; a checkout may fetch more from it.
set -e
version=$1 command=$2
shift 2
git() {
  exec git -c "protocol.version=$version" ${UPLOAD_PACK:+-c "remote.origin.uploadpack=$UPLOAD_PACK"} "$@"
}
if [ "$command" = clone ]; then
  [ "$3" = 0 ] || depth=--depth=$3
  git clone --no-single-branch ${UPLOAD_PACK:+"--upload-pack=$UPLOAD_PACK"} $depth ${4:+"--filter=$4"} "$1" "$2"
else
  [ "$2" = 0 ] || depth=--depth=$2
  git -C "$1" fetch --tags $depth
fi

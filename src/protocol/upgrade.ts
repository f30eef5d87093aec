/**
 * How a connection is handed to a running service: a request to `/<repository>/git-upload-pack` that upgrades HTTP to
 * the protocol as a program on standard input and output speaks it.
 *
 *   GET /<repository>/git-upload-pack      101 Switching Protocols
 *   Connection: Upgrade                    Connection: Upgrade
 *   Upgrade: git-upload-pack               Upgrade: git-upload-pack
 *   Git-Protocol: version=2
 *   Authorization: Bearer <token>
 */
export const UPGRADE_TOKEN = 'git-upload-pack';

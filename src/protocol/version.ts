/** Which protocol version a client asks for (protocol section 1.1). */

export type ProtocolVersion = 0 | 1 | 2;

/** @param text the value of `GIT_PROTOCOL` or `Git-Protocol`: items parted by colons; the highest known version wins */
export function parseVersion(text: string | undefined): ProtocolVersion {
  let version: ProtocolVersion = 0;
  for (const item of (text ?? '').split(':')) {
    if (item === 'version=2') return 2;
    if (item === 'version=1') version = 1;
  }
  return version;
}

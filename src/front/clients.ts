/** Who a client is, as far as its address says. */
import net from 'node:net';

/**
 * The address that a request came from: that of its peer, or where that is a trusted proxy, the last one of the header
 * that is not.
 * @param forwarded the value of `X-Forwarded-For`
 * @returns undefined where it says nothing: behind a forge on this machine, all clients have the same
 */
export function clientOf(
  peer: string | undefined,
  forwarded: string | readonly string[] | undefined,
  trusted: net.BlockList,
): string | undefined {
  const hops = [forwarded ?? '']
    .flat()
    .join(',')
    .split(',')
    .map((hop) => plain(hop.trim()));
  let address = plain(peer ?? '');
  while (isIn(trusted, address)) {
    const hop = hops.pop();
    if (hop === undefined || net.isIP(hop) === 0) break;
    address = hop;
  }
  return isLoopback(address) || isIn(trusted, address) || net.isIP(address) === 0 ? undefined : address;
}

/** @throws RangeError naming the part that is no address and no subnet */
export function parseSubnets(texts: readonly string[]): net.BlockList {
  const list = new net.BlockList();
  for (const text of texts) {
    const [, address, prefix] = /^([^/]+)(?:\/(\d+))?$/.exec(text.trim()) ?? [];
    const family = net.isIP(address ?? '');
    const bits = prefix === undefined ? (family === 6 ? 128 : 32) : Number(prefix);
    if (family === 0 || bits > (family === 6 ? 128 : 32))
      throw new RangeError(`${text} is no address and no subnet`);
    list.addSubnet(address, bits, family === 6 ? 'ipv6' : 'ipv4');
  }
  return list;
}

/** Whether only this machine can reach an address. */
export function isLoopback(address: string): boolean {
  if (address === 'localhost') return true;
  // A zone says which interface, so an address with one is not taken for this machine's own.
  return !address.includes('%') && isIn(LOOPBACK, address);
}

const LOOPBACK = parseSubnets(['127.0.0.0/8', '::1']);

function isIn(list: net.BlockList, address: string): boolean {
  const family = net.isIP(address);
  return family !== 0 && list.check(address, family === 6 ? 'ipv6' : 'ipv4');
}

/** An IPv4 address as such, where a socket of IPv6 has it. */
function plain(address: string): string {
  return /^::ffff:([\d.]+)$/i.exec(address)?.[1] ?? address;
}

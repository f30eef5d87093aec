/** Who a client is: an address is believed only where it can be one. */
import { expect, test } from 'vitest';
import { clientOf, parseSubnets } from '../../src/front/clients.ts';

const trusted = parseSubnets(['127.0.0.1', '10.0.0.0/8', 'fd00::/8']);

test.each([
  ['192.0.2.7', undefined, '192.0.2.7'],
  ['::ffff:192.0.2.7', undefined, '192.0.2.7'],
  ['2001:db8::1', undefined, '2001:db8::1'],
  // Behind a forge all clients have its address.
  ['127.0.0.1', undefined, undefined],
  ['::1', undefined, undefined],
  [undefined, undefined, undefined],
  // A header is believed from a trusted peer alone.
  ['192.0.2.7', '198.51.100.1', '192.0.2.7'],
  ['::1', '198.51.100.1', undefined],
  ['127.0.0.1', '198.51.100.1', '198.51.100.1'],
  ['::ffff:10.1.2.3', '198.51.100.1', '198.51.100.1'],
  // What a client writes itself stands before what proxies add.
  ['10.1.2.3', '203.0.113.9, 198.51.100.1', '198.51.100.1'],
  ['10.1.2.3', '203.0.113.9, 198.51.100.1, 10.9.9.9', '198.51.100.1'],
  ['10.1.2.3', ['203.0.113.9', '198.51.100.1, fd00::1'], '198.51.100.1'],
  ['10.1.2.3', 'unknown', undefined],
  ['10.1.2.3', '10.9.9.9', undefined],
  ['10.1.2.3', '', undefined],
])('%s with %j is %s', (peer, forwarded, expected) => {
  expect(clientOf(peer, forwarded, trusted)).toBe(expected);
});

test.each(['10.0.0.0/33', '::/129', 'localhost', '10.0.0/8', ''])('%j is no subnet', (text) => {
  expect(() => parseSubnets([text])).toThrow(RangeError);
});

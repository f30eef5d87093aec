/** Ports of this machine. */
import { once } from 'node:events';
import net, { type AddressInfo } from 'node:net';
import { vi } from 'vitest';

/** One that no one listens on, on any loopback address. */
export async function freePort(): Promise<number> {
  const probe = net.createServer().listen(0, '0.0.0.0');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  return port;
}

/** Waits until someone listens on it. */
export function untilListening(port: number): Promise<void> {
  return vi.waitFor(
    async () => {
      const socket = net.connect(port, '127.0.0.1');
      await once(socket, 'connect').finally(() => socket.destroy());
    },
    { timeout: 30_000 },
  );
}

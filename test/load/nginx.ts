/** nginx before several instances of the service, as operators put it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import net, { type AddressInfo } from 'node:net';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, expect } from 'vitest';
import { temporaryDirectory } from '../support/directory.ts';

/**
 * An instance that cannot be reached, or answers that it is not ready or has too much to do, is passed over for the
 * next, and asked again each time: fetching changes nothing, so every request may be tried again. Requests are held
 * whole for that; answers pass through as they come, however long they take.
 */
function configuration(port: number, upstreams: readonly string[]): string {
  return `
daemon off;
master_process off;
pid nginx.pid;
events { worker_connections 1024; }
http {
  access_log off;
  client_body_temp_path body;
  proxy_temp_path proxy;
  fastcgi_temp_path fastcgi;
  uwsgi_temp_path uwsgi;
  scgi_temp_path scgi;
  upstream packhorse {
${upstreams.map((url) => `    server ${new URL(url).host} max_fails=0;`).join('\n')}
  }
  server {
    listen 127.0.0.1:${port};
    client_max_body_size 0;
    location / {
      proxy_pass http://packhorse;
      proxy_http_version 1.1;
      proxy_buffering off;
      proxy_read_timeout 1h;
      proxy_next_upstream error timeout http_429 http_503 non_idempotent;
    }
  }
}
`;
}

/** @returns its `http://host:port`; it ends after the tests of the file */
export async function startNginx(upstreams: readonly string[]): Promise<string> {
  const directory = temporaryDirectory();
  const port = await freePort();
  const file = path.join(directory, 'nginx.conf');
  fs.writeFileSync(file, configuration(port, upstreams));
  const child = spawn('nginx', ['-p', directory, '-c', file, '-e', 'stderr'], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const said = text(child.stderr);
  const ended = once(child, 'exit').then(async ([code]) => {
    throw new Error(`nginx ended with ${code}: ${await said}`);
  });
  ended.catch(() => {});
  afterAll(async () => {
    child.kill();
    await ended.catch(() => {});
  });
  await Promise.race([ended, expect.poll(() => accepts(port), { timeout: 30_000 }).toBe(true)]);
  return `http://127.0.0.1:${port}`;
}

async function freePort(): Promise<number> {
  const probe = net.createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  return port;
}

async function accepts(port: number): Promise<boolean> {
  const socket = net.connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

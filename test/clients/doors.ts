/** The ways into Packhorse, each to the repositories below a directory; they close after the tests of the file. */
import fs from 'node:fs';
import path from 'node:path';
import { temporaryDirectory } from '../support/directory.ts';
import { startService } from '../support/service.ts';
import { startSshd } from '../support/sshd.ts';

export type DoorName = 'http' | 'git' | 'ssh' | 'stdio';

export interface Door {
  /** The URL of a repository by its path below the root. */
  url(repository: string): string;
  /** What clients must be told besides. */
  readonly environment: NodeJS.ProcessEnv;
  /** Throws where a client has done without the door since the last time; most URLs lead nowhere else. */
  expectUsed?(): void;
}

export const DOORS: Readonly<Record<DoorName, (root: string) => Promise<Door>>> = {
  async http(root) {
    const { url } = await startService(root);
    return { url: (repository) => `${url}/${repository}`, environment: {} };
  },

  async git(root) {
    const service = await startService(root, ['--git-port', '0']);
    const { git } = await service.logged(({ msg }) => msg === 'listening');
    return { url: (repository) => `${git}/${repository}`, environment: {} };
  },

  async ssh(root) {
    const service = await startService(root);
    // A client asks for: git-upload-pack '<path>'
    const script = writeScript(
      `path=\${SSH_ORIGINAL_COMMAND#"git-upload-pack '"}\n` +
        `exec ${UPLOAD_PACK} --server ${service.url} "\${path%"'"}"\n`,
    );
    const { url, environment } = await startSshd(script);
    return { url: (repository) => `${url}/${repository}`, environment };
  },

  async stdio(root) {
    const calls = path.join(temporaryDirectory(), 'calls');
    const program = writeScript(`echo "$@" >>${calls}\nexec ${UPLOAD_PACK} "$@"\n`);
    return {
      url: (repository) => `file://${root}/${repository}`,
      environment: { UPLOAD_PACK: program },
      // Throws where there have been none.
      expectUsed: () => fs.rmSync(calls),
    };
  },
};

/** git's own way to a repository on the same machine. */
export const gitsOwnDoor = (root: string): Door => ({
  url: (repository) => `file://${root}/${repository}`,
  environment: {},
});

const UPLOAD_PACK = `${process.execPath} ${path.resolve(import.meta.dirname, '../../src/main.ts')} upload-pack`;

function writeScript(text: string): string {
  const file = path.join(temporaryDirectory(), 'script');
  fs.writeFileSync(file, `#!/bin/sh\n${text}`, { mode: 0o755 });
  return file;
}

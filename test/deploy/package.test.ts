/** The package, as `npm pack` makes it, in a project that has nothing else. */
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, expect, test } from 'vitest';
import { commandsOf, runnableBlocks } from '../docs/commands.ts';
import { Reader } from '../docs/reader.ts';
import { clone, expectSameRepository } from '../support/clone.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { createRepository, History } from '../support/history.ts';
import { startService } from '../support/service.ts';

const TOP = path.resolve(import.meta.dirname, '../..');
const SOURCES = [
  'src',
  'workers',
  'package.json',
  'tsconfig.json',
  'tsconfig.build.json',
  'README.md',
  'LICENSE',
  'CHANGELOG.md',
];

const root = temporaryDirectory();
/** Where the package is installed. */
const project = temporaryDirectory();
const main = path.join(project, 'node_modules/packhorse/dist/src/main.js');
const environment = {
  npm_config_prefer_offline: 'true',
  npm_config_audit: 'false',
  npm_config_fund: 'false',
};
const reader = new Reader({ directory: project, places: { '/srv/git': root }, environment });
let packed: readonly string[];
let source: string;

const run = (program: string, args: readonly string[], cwd = project) =>
  promisify(execFile)(program, args, {
    cwd,
    env: { ...process.env, PACKHORSE_CACHE_DIR: path.join(project, 'cache') },
  });

beforeAll(async () => {
  const build = temporaryDirectory();
  for (const name of SOURCES) fs.cpSync(path.join(TOP, name), path.join(build, name), { recursive: true });
  fs.symlinkSync(path.join(TOP, 'node_modules'), path.join(build, 'node_modules'));
  const { stdout } = await run('npm', ['pack', '--json', '--silent', '--pack-destination', project], build);
  const [{ filename, files }] = JSON.parse(stdout.slice(stdout.indexOf('[')));
  packed = files.map((file: { path: string }) => file.path);
  fs.unlinkSync(path.join(build, 'node_modules'));
  source = createRepository(root, 'group/name.git');
  const history = new History();
  history.commit({ branch: 'main', files: { a: 'a\n' } });
  history.importInto(source);

  const [block] = runnableBlocks('docs/deployment.md').get('One machine')!;
  expect(commandsOf(block)).toContain(`npm install ./${filename}`);
  await reader.follow(block);
});

test('it has what is built, and what a reader needs, and nothing else', () => {
  const others = packed.filter((file) => !/^dist\/(src|workers)\/.*\.(js|d\.ts|html)$/.test(file));
  expect(others.sort()).toEqual(['CHANGELOG.md', 'LICENSE', 'README.md', 'package.json']);
});

test('it has every module with its types, and what the service reads beside them', () => {
  const sources = ['src', 'workers'].flatMap((top) =>
    fs
      .readdirSync(path.join(TOP, top), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => path.relative(TOP, path.join(entry.parentPath, entry.name))),
  );
  expect(sources).toContain('src/front/status/page.html');
  const built = sources.flatMap((file) =>
    file.endsWith('.ts') ? [file.replace(/ts$/, 'js'), file.replace(/ts$/, 'd.ts')] : [file],
  );
  expect(packed).toEqual(expect.arrayContaining(built.map((file) => `dist/${file}`)));
});

test('no one can publish it by mistake', () => {
  const installed = path.join(project, 'node_modules/packhorse/package.json');
  expect(JSON.parse(fs.readFileSync(installed, 'utf8'))).toMatchObject({ private: true });
});

test('it installs no package that only developers or a few operators need', () => {
  const { dependencies } = JSON.parse(fs.readFileSync(path.join(TOP, 'package.json'), 'utf8'));
  for (const name of Object.keys(dependencies))
    expect(fs.existsSync(path.join(project, 'node_modules', name))).toBe(true);
  for (const name of ['@aws-sdk', 'typescript', 'vitest', 'node']) {
    expect(fs.existsSync(path.join(project, 'node_modules', name)), name).toBe(false);
  }
});

test('its command says its version, its flags and what is kept', async () => {
  const packhorse = async (...args: string[]) =>
    (await run('npx', ['--no-install', 'packhorse', ...args])).stdout;
  expect(await packhorse('--version')).toMatch(/^packhorse \d+\.\d+\.\d+\n$/);
  expect(await packhorse('serve', '--help')).toContain('PACKHORSE_ROOT');
  expect(JSON.parse(await packhorse('cache', 'ls', '--json'))).toEqual([]);
});

test('its service gives a clone', async () => {
  const { service } = reader;
  expectSameRepository(source, await clone(service, 'group/name.git'));
  for (const page of ['/metrics', '/'])
    expect((await fetch(`${service.metricsUrl}${page}`)).status).toBe(200);
});

test('its commands for operators run: explain, and a token that lets its holder in', async () => {
  const packhorse = async (...args: string[]) =>
    (await run('npx', ['--no-install', 'packhorse', ...args])).stdout;
  expect(JSON.parse(await packhorse('explain', source, '--json'))).toEqual(expect.any(Object));
  const token = /ph_\S+/.exec(await packhorse('token', 'new', 'ci', '--token-file', 'tokens'))![0];
  const flags = ['--workers', '1', '--auth', 'token', '--token-file', path.join(project, 'tokens')];
  const { url } = await startService(root, flags, {}, main);
  const ask = (headers = {}) => fetch(`${url}/group/name.git/info/refs?service=git-upload-pack`, { headers });
  expect((await ask()).status).toBe(401);
  expect((await ask({ Authorization: `Bearer ${token}` })).status).toBe(200);
});

test('it takes the place of git upload-pack', async () => {
  const command = `${process.execPath} ${main} upload-pack`;
  const target = path.join(temporaryDirectory(), 'clone');
  await run('git', ['clone', '--quiet', '--mirror', `--upload-pack=${command}`, `file://${source}`, target]);
  expectSameRepository(source, target);
});

test('its types are enough for a strict compiler, and what they promise is there', async () => {
  const program = `
import { encodePktLine, UploadPackV2, VERSION } from 'packhorse';

const server: UploadPackV2 = new UploadPackV2(process.argv[2]!);
const parts: Uint8Array[] = [];
const request = Buffer.concat([encodePktLine('command=ls-refs\\n'), Buffer.from('0000')]);
const { error } = await server.feed(request, async (bytes: Uint8Array) => void parts.push(bytes.slice()));
if (error) throw error;
console.log(VERSION, Buffer.concat(parts).includes('refs/heads/main'));
`;
  fs.writeFileSync(path.join(project, 'use.ts'), program);
  fs.writeFileSync(path.join(project, 'package.json'), JSON.stringify({ type: 'module' }));
  fs.symlinkSync(path.join(TOP, 'node_modules/@types'), path.join(project, 'node_modules/@types'));
  fs.symlinkSync(
    path.join(TOP, 'node_modules/undici-types'),
    path.join(project, 'node_modules/undici-types'),
  );
  const compilerOptions = {
    strict: true,
    module: 'nodenext',
    moduleResolution: 'nodenext',
    target: 'es2023',
    types: ['node'],
    // The package's own declarations are looked at, too.
    skipLibCheck: false,
  };
  const compile = (file: string) => {
    fs.writeFileSync(path.join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: [file] }));
    return run(path.join(TOP, 'node_modules/.bin/tsc'), ['--project', '.']);
  };
  await compile('use.ts');
  fs.writeFileSync(path.join(project, 'misuse.ts'), program.replace('feed(request,', 'feed(1,'));
  await expect(compile('misuse.ts')).rejects.toMatchObject({
    stdout: expect.stringContaining('not assignable'),
  });
  const { stdout } = await run(process.execPath, ['use.js', source]);
  expect(stdout).toMatch(/^\d+\.\d+\.\d+ true\n$/);
});

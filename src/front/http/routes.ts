/** Which path means what (protocol section 3.1). A route is found by the end of the path, the repository is the rest. */

export type RouteName = 'info-refs' | 'upload-pack' | 'receive-pack' | 'bundle' | 'dumb';

export interface Route {
  readonly name: RouteName;
  readonly methods: readonly string[];
  /** Path of the repository below the root, without a slash at either end. */
  readonly repository: string;
  /** What stands behind it, such as `info/refs`. */
  readonly file: string;
}

const READ = ['GET', 'HEAD'];
const HASH = '[0-9a-f]{40}(?:[0-9a-f]{24})?';

const TABLE: readonly { suffix: RegExp; name: RouteName; methods: readonly string[] }[] = [
  { suffix: /\/info\/refs$/, name: 'info-refs', methods: READ },
  { suffix: /\/git-upload-pack$/, name: 'upload-pack', methods: ['POST'] },
  { suffix: /\/git-(?:receive-pack|upload-archive)$/, name: 'receive-pack', methods: ['POST'] },
  { suffix: /\/bundles\/[0-9a-f]{40}\.bundle$/, name: 'bundle', methods: READ },
  { suffix: /\/HEAD$/, name: 'dumb', methods: READ },
  { suffix: /\/objects\/info\/(?:packs|alternates|http-alternates)$/, name: 'dumb', methods: READ },
  { suffix: /\/objects\/[0-9a-f]{2}\/(?:[0-9a-f]{38}|[0-9a-f]{62})$/, name: 'dumb', methods: READ },
  { suffix: new RegExp(`/objects/pack/pack-${HASH}\\.(?:pack|idx)$`), name: 'dumb', methods: READ },
];

/** The route of a URL path; undefined for a path that is none, or that tries to leave the root. */
export function findRoute(urlPath: string): Route | undefined {
  const path = decodePath(urlPath);
  if (path === undefined) return undefined;
  for (const { suffix, name, methods } of TABLE) {
    const match = suffix.exec(path);
    if (match && match.index > 0) {
      const repository = path.slice(1, match.index);
      return { name, methods, repository, file: path.slice(match.index + 1) };
    }
  }
  return undefined;
}

/** Decodes once; refuses what a file system could read as something else: empty, `.` and `..` segments, NUL. */
function decodePath(urlPath: string): string | undefined {
  let path: string;
  try {
    path = decodeURIComponent(urlPath);
  } catch {
    return undefined;
  }
  if (!path.startsWith('/') || path.includes('\0')) return undefined;
  const segments = path.slice(1).split('/');
  return segments.some((segment) => segment === '' || segment === '.' || segment === '..') ? undefined : path;
}

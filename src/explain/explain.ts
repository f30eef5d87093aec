/** What serving a repository costs, and what would make it cheaper. */
import fs from 'node:fs';
import { PackhorseError } from '../errors.ts';
import { Pace } from '../pack/pace.ts';
import { Repository } from '../repository/repository.ts';
import { RepositoryCaches } from '../repository/repository-caches.ts';
import { UploadPack } from '../upload-pack/upload-pack.ts';
import { completePartial, recommend } from './advice.ts';
import { dryAdvertise, dryClone, dryFetch, dryList } from './dry-run.ts';
import { findAncestor } from './find-ancestor.ts';
import type { Report } from './report.ts';
import { surveyRefs } from './survey-refs.ts';
import { surveyStorage } from './survey-storage.ts';

/**
 * @param directory a bare repository, or one with `.git`
 * @param onProgress gets what a client would be told of its clone
 * @throws PackhorseError where not even what is there can be said; that a clone fails is part of the report
 */
export async function explain(
  directory: string,
  onProgress: (text: string) => void = () => {},
): Promise<Report> {
  const { wants, hash, ancestor, complete, ...surveyed } = await survey(directory);
  const server = new UploadPack(directory);
  try {
    const listing = await dryList(server, hash);
    const advertisement = await dryAdvertise(server);
    const cloned =
      wants.size === 0 ? undefined : await dryClone(server, hash, wants, onProgress).catch(asFailed);
    const failed = cloned instanceof PackhorseError;
    const served = {
      clone: failed ? undefined : cloned,
      failure: failed ? { error: cloned.message, complete } : undefined,
      fetch: failed ? undefined : ancestor && (await dryFetch(server, hash, ancestor)),
    };
    const found = { ...surveyed, listing, advertisement, ...served };
    return { ...found, recommendations: recommend(found) };
  } finally {
    server.close();
  }
}

/** @throws what is no failure of the repository's */
function asFailed(error: unknown): PackhorseError {
  if (error instanceof PackhorseError) return error;
  throw error;
}

async function survey(directory: string) {
  const pace = new Pace();
  const caches = new RepositoryCaches();
  const repository = Repository.open(directory, caches);
  try {
    await repository.prepareObjects(pace.pauseIfDue);
    const { summary: refs, tips, wants } = await surveyRefs(repository, pace.pauseIfDue);
    const storage = await surveyStorage(repository, tips, pace);
    const ancestor = await findAncestor(repository, pace);
    const ignored = [...new Set(repository.indexProblems)];
    const gitDirectory = fs.realpathSync(repository.commonDirectory);
    const complete = completePartial(gitDirectory, repository.config);
    const hash = repository.format.name;
    return { directory: gitDirectory, storage, refs, ignored, wants, ancestor, complete, hash };
  } finally {
    repository.close();
    caches.close();
  }
}

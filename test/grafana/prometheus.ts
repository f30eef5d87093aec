/** Debian's Prometheus, scraping a service every second. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { vi } from 'vitest';
import { stringify } from 'yaml';
import { afterTests } from '../support/after-tests.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { freePort } from '../support/free-port.ts';

export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface Prometheus {
  /** The value of an expression now. Throws where it is not PromQL, or a vector cannot be had. */
  query(expr: string): Promise<readonly Sample[]>;
  /** Every rule, with what came of its last evaluation. */
  rules(): Promise<readonly EvaluatedRule[]>;
  /** The values of a label of a metric. */
  labelValues(label: string, metric: string): Promise<readonly string[]>;
  /** Resolves when the service has been scraped, and all rules evaluated after that. */
  scraped(): Promise<void>;
}

export interface EvaluatedRule {
  readonly name: string;
  readonly health: string;
  readonly lastError?: string;
}

/**
 * @param target `host:port` of the metrics
 * @returns when it is ready; it ends after the tests of the file
 */
export async function startPrometheus(target: string, rules: string): Promise<Prometheus> {
  const directory = temporaryDirectory();
  const config = path.join(directory, 'prometheus.yml');
  fs.writeFileSync(
    config,
    stringify({
      global: { scrape_interval: '1s', scrape_timeout: '1s', evaluation_interval: '1s' },
      rule_files: [rules],
      scrape_configs: [{ job_name: 'packhorse', static_configs: [{ targets: [target] }] }],
    }),
  );
  const port = await freePort();
  const flags = [
    `--config.file=${config}`,
    `--storage.tsdb.path=${path.join(directory, 'data')}`,
    `--web.listen-address=127.0.0.1:${port}`,
  ];
  const child = spawn('prometheus', flags, { stdio: ['ignore', 'ignore', 'pipe'] });
  const said = text(child.stderr);
  const ended = once(child, 'exit').then(async ([code]) => {
    throw new Error(`prometheus ended with ${code}: ${await said}`);
  });
  ended.catch(() => {});
  afterTests(async () => {
    child.kill();
    await ended.catch(() => {});
  });
  const url = `http://127.0.0.1:${port}`;
  await Promise.race([ended, until(async () => (await fetch(`${url}/-/ready`)).ok)]);

  const get = async <T>(where: string, parameters: Record<string, string> = {}): Promise<T> => {
    const response = await fetch(`${url}/api/v1/${where}?${new URLSearchParams(parameters)}`);
    const { status, data, error } = (await response.json()) as { status: string; data: T; error?: string };
    if (status !== 'success') throw new Error(`${parameters.query ?? where}: ${error}`);
    return data;
  };
  const query = async (expr: string) => {
    const { result } = await get<{ result: { metric: Record<string, string>; value: [number, string] }[] }>(
      'query',
      { query: expr },
    );
    return result.map(({ metric, value: [, value] }) => ({ labels: metric, value: Number(value) }));
  };
  const groups = async () => {
    type Group = { lastEvaluation: string; rules: EvaluatedRule[] };
    return (await get<{ groups: Group[] }>('rules')).groups;
  };
  return {
    query,
    rules: async () => (await groups()).flatMap((group) => group.rules),
    labelValues: (label, metric) => get(`label/${label}/values`, { 'match[]': metric }),
    async scraped() {
      const asked = Date.now();
      await until(async () => ((await query('timestamp(up == 1)'))[0]?.value ?? 0) * 1000 > asked);
      const scraped = Date.now();
      await until(async () => (await groups()).every((group) => Date.parse(group.lastEvaluation) > scraped));
    },
  };
}

/** Asks until it is so. */
async function until(isSo: () => Promise<boolean>): Promise<void> {
  const ask = async () => {
    if (!(await isSo())) throw new Error('it has not come to it');
  };
  await vi.waitFor(ask, { timeout: 60_000, interval: 100 });
}

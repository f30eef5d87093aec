/** A bucket of a store that speaks S3, by way of the AWS SDK: an optional package, which is loaded only here. */
import { addAbortSignal, type Readable } from 'node:stream';
import type { S3Client } from '@aws-sdk/client-s3';
import type { ObjectStore, StoredObject } from './object-store.ts';

export interface S3Options {
  readonly bucket: string;
  /** What stands before the name of each object; ends with / where it is not empty. */
  readonly prefix: string;
  /** Undefined: AWS itself. */
  readonly endpoint: string | undefined;
  /** Undefined: what the SDK finds in its environment. */
  readonly region: string | undefined;
}

type Sdk = typeof import('@aws-sdk/client-s3');

/** What fails is said once, by us. Without a logger the SDK writes to the console. */
const nothing = () => {};
const SILENT = { trace: nothing, debug: nothing, info: nothing, warn: nothing, error: nothing };

export class S3Store implements ObjectStore {
  readonly #sdk: Sdk;
  readonly #client: S3Client;
  readonly #options: S3Options;

  private constructor(sdk: Sdk, client: S3Client, options: S3Options) {
    this.#sdk = sdk;
    this.#client = client;
    this.#options = options;
  }

  /**
   * Asks the store nothing yet.
   * @throws Error that says which package to install, or that no region is known
   */
  static async open(options: S3Options): Promise<S3Store> {
    const sdk = await loadSdk();
    const { endpoint, region } = options;
    const client = new sdk.S3Client({
      ...(region !== undefined && { region }),
      // What is not AWS rarely has a name for each bucket.
      ...(endpoint !== undefined && { endpoint, forcePathStyle: true }),
      // Streams have checksums of their own, and not every store knows those of the protocol.
      requestChecksumCalculation: 'WHEN_REQUIRED',
      responseChecksumValidation: 'WHEN_REQUIRED',
      // Trying again takes longer than the pack does.
      maxAttempts: 1,
      logger: SILENT,
    });
    try {
      await client.config.region();
    } catch {
      throw new Error('the shared cache needs a region: --shared-cache-region, or AWS_REGION');
    }
    return new S3Store(sdk, client, options);
  }

  async get(name: string, signal: AbortSignal): Promise<StoredObject | undefined> {
    try {
      const command = new this.#sdk.GetObjectCommand(this.#place(name));
      const { Body, ContentLength } = await this.#client.send(command, { abortSignal: signal });
      const body = addAbortSignal(signal, Body as Readable);
      return { length: ContentLength ?? Number.POSITIVE_INFINITY, body };
    } catch (error) {
      if (this.#isMissing(error)) return undefined;
      throw error;
    }
  }

  async has(name: string, signal: AbortSignal): Promise<boolean> {
    try {
      const command = new this.#sdk.HeadObjectCommand(this.#place(name));
      await this.#client.send(command, { abortSignal: signal });
      return true;
    } catch (error) {
      if (this.#isMissing(error)) return false;
      throw error;
    }
  }

  async put(name: string, body: Readable, length: number, signal: AbortSignal): Promise<void> {
    try {
      const object = { ...this.#place(name), Body: body, ContentLength: length };
      await this.#client.send(new this.#sdk.PutObjectCommand(object), { abortSignal: signal });
    } finally {
      body.destroy();
    }
  }

  close(): void {
    this.#client.destroy();
  }

  /** Stores have several words for that. */
  #isMissing(error: unknown): boolean {
    if (!(error instanceof this.#sdk.S3ServiceException)) return false;
    return error.$metadata.httpStatusCode === 404 && error.name !== 'NoSuchBucket';
  }

  #place(name: string): { Bucket: string; Key: string } {
    const { bucket, prefix } = this.#options;
    return { Bucket: bucket, Key: `${prefix}${name}` };
  }
}

async function loadSdk(): Promise<Sdk> {
  try {
    return await import('@aws-sdk/client-s3');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw error;
    throw new Error(
      'the shared cache needs a package that is not installed: npm install @aws-sdk/client-s3, or leave out --shared-cache-url',
    );
  }
}

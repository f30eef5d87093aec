/**
 * The library: what an SSH server, an in-process server or a test needs of Packhorse.
 *
 * - {@link UploadPackV2} answers protocol v2 requests for one repository; it is what the service's own doors run.
 * - {@link encodePktLine}, {@link encodeSideband} and {@link SidebandWriter} frame bytes for the wire.
 * - What happens is published on `node:diagnostics_channel`: in any program a {@link CommandRecord} on
 *   `packhorse:command:ended`, in a service {@link FetchRecord} and others (docs/observability.md).
 * - {@link generatePack}, {@link streamPack} and {@link readPack} make and read packs of objects in memory.
 */
export { type ErrorCode, PackhorseError } from './errors.ts';
export type { Admitted, BuiltBundle, FetchRecord, Refused, WorkerLoss } from './front/events.ts';
export { generatePack, type PackObject, streamPack } from './pack/pack-stream.ts';
export { type ReadObject, readPack } from './pack/read-pack.ts';
export { DELIM, encodePktLine, FLUSH, MAX_PKT_PAYLOAD } from './protocol/pkt-line.ts';
export {
  type Band,
  encodeSideband,
  encodeSidebandFrame,
  MAX_SIDEBAND_DATA,
  SidebandWriter,
} from './protocol/sideband.ts';
export type { HashName, TypeName } from './repository/object-format.ts';
export { RepositoryCaches } from './repository/repository-caches.ts';
export type { Write } from './upload-pack/byte-sink.ts';
export type { CommandRecord } from './upload-pack/command-events.ts';
export type { FetchKind, Phases, Span, Statistics } from './upload-pack/statistics.ts';
export type { UploadPackOptions } from './upload-pack/upload-pack.ts';
export { type Outcome, UploadPackV2 } from './upload-pack/upload-pack-v2.ts';
export { VERSION } from './version.ts';

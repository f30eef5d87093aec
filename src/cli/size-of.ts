/** Bytes for people. */
const SIZES = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];

export function sizeOf(bytes: number): string {
  let unit = 0;
  let size = bytes;
  for (; size >= 1024 && unit < SIZES.length - 1; unit++) size /= 1024;
  return `${unit === 0 ? size : size.toFixed(1)} ${SIZES[unit]}`;
}
